"""The record's parts and their pictures, as the API gives them, and what people say of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from inspector.page.access import Anyone, Operator
from inspector.page.context import Context, Ctx
from inspector.page.errors import Unknown
from inspector.page.part_pictures import LARGE_PX, THUMB_PX, Expectations, Kind, jpeg_from, picture_file
from inspector.page.recorded import JudgedParts, Judging, PartsPage, RecordedPart, Search, parse_key, said
from inspector.record.rows import FoundPart

router = APIRouter(prefix="/api")
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}},
    404: {"description": "no such part, or no picture of it"},
}
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}  # a part's picture never changes
Wanted = Annotated[Search, Query()]
Limit = Annotated[int, Query(ge=1, le=500)]


def expectations(request: Request) -> Expectations:
    """The app's."""
    found: Expectations = request.app.state.expectations
    return found


def find(context: Context, key: str) -> FoundPart:
    """A part by its key. Raises Unknown, StoreError."""
    found = context.record.part(parse_key(key))
    if found is None:
        raise Unknown(f"no part {key}")
    return found


@router.get("/parts")
def parts(context: Ctx, asking: Anyone, search: Wanted, limit: Limit = 50) -> PartsPage:
    """A page of the record, newest first."""
    found = context.record.parts(search.wanted, **search.cursors, limit=limit)
    ends = (str(found[-1].cursor), str(found[0].cursor)) if found else (None, None)
    return PartsPage(parts=[said(each) for each in found], older=ends[0], newer=ends[1])


@router.get("/parts.csv", response_class=StreamingResponse, responses={200: {"content": {"text/csv": {}}}})
def export(context: Ctx, asking: Anyone, search: Wanted) -> StreamingResponse:
    """All parts that are meant, oldest first, as CSV. They are sent as they are read, however many they are."""
    name = f"parts-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}.csv"
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_lines(context, search), media_type="text/csv; charset=utf-8", headers=head)


def _lines(context: Context, search: Search) -> Iterator[str]:
    yield "\ufeff"  # so that Excel takes it for UTF-8
    yield from context.record.export_csv(search.wanted)


@router.get("/parts/{key}")
def part(key: str, context: Ctx, asking: Anyone) -> RecordedPart:
    """One part of the record."""
    return said(find(context, key))


@router.get("/parts/{key}/{kind}.jpg", response_class=Response, responses=JPEG)
async def picture(key: str, kind: Kind, context: Ctx, asking: Anyone, small: bool = False) -> Response:
    """A part as the camera saw it (`image`), or with what is strange about it (`overlay`)."""
    found = await asyncio.to_thread(find, context, key)
    file = picture_file(context.archive, found.row, kind)
    loop, longest_px = asyncio.get_running_loop(), THUMB_PX if small else LARGE_PX
    jpeg = await loop.run_in_executor(context.encoder, jpeg_from, file, kind, longest_px)
    return Response(jpeg, media_type="image/jpeg", headers=FOR_EVER)


@router.post("/judgements")
def judge(context: Ctx, asking: Operator, judging: Judging) -> JudgedParts:
    """Say of some parts that they are really bad, or actually good, whatever their verdict was."""
    keys = [parse_key(key) for key in judging.keys]
    label = judging.label.value if judging.label else "nothing"
    subject = judging.keys[0] if len(keys) == 1 else f"{len(keys)} parts"
    context.note(asking, "judge", subject, label=label, parts=judging.keys)
    count = context.record.judge(keys, judging.label, asking.title, datetime.now(timezone.utc))
    return JudgedParts(parts=count)
