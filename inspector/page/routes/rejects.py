"""The gallery of rejects, and what one of them shows."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from inspector.errors import InspectorError
from inspector.page.access import Anyone, Role
from inspector.page.context import Context, Ctx
from inspector.page.recorded import (
    LABELS,
    Search,
    key_text,
    name_of,
    place_in_words,
    score_in_words,
    times_threshold,
    way,
)
from inspector.page.routes.parts import FOR_EVER, Wanted, expectations, find
from inspector.record.rows import Label

router = APIRouter(include_in_schema=False)
AT_ONCE = 60  # parts on one page
WORDS = {
    "key_text": key_text,
    "name_of": name_of,
    "place_in_words": place_in_words,
    "score_in_words": score_in_words,
    "times_threshold": times_threshold,
    "way": way,
    "LABELS": LABELS,
    "Label": Label,
}


@router.get("/rejects")
def rejects(request: Request, context: Ctx, asking: Anyone, search: Wanted) -> HTMLResponse:
    """The gallery, newest first."""
    if context.store is None:
        return context.page(request, "no_record.html.j2", title="Rejects")
    search = _only_rejects(search)
    found = context.record.parts(search.wanted, **search.cursors, limit=AT_ONCE)
    return context.page(
        request,
        "rejects.html.j2",
        search=search,
        parts=found,
        older=str(found[-1].cursor) if len(found) == AT_ONCE else None,
        newest=str(found[0].cursor) if found and not search.cursors else "",
        live=not search.cursors and search.until is None,
        products=context.store.products(),
        cameras=[camera for camera in context.store.cameras() if camera],
        may_judge=asking.may(Role.OPERATOR),
        **WORDS,
    )


@router.get("/rejects/new")
def newer(context: Ctx, asking: Anyone, search: Wanted) -> Response:
    """The cards of rejects that came after a place; 204 where none did."""
    found = context.record.parts(_only_rejects(search).wanted, **search.cursors, limit=AT_ONCE)
    if not found:
        return Response(status_code=204)
    cards = context.render("_reject_cards.html.j2", parts=found, **WORDS)
    return HTMLResponse(cards, headers={"X-Newest": str(found[0].cursor)})


@router.get("/rejects/{key}")
def reject(request: Request, key: str, context: Ctx, asking: Anyone) -> HTMLResponse:
    """All about one part, to be put into the gallery's page."""
    return _about(request, context, key, "_reject.html.j2")


@router.get("/parts/{key}")
def part(request: Request, key: str, context: Ctx, asking: Anyone) -> HTMLResponse:
    """One part on a page of its own, whatever its verdict."""
    return _about(request, context, key, "part.html.j2")


@router.get("/rejects/{key}/expected")
async def expected(request: Request, key: str, context: Ctx, asking: Anyone) -> HTMLResponse:
    """The part of the page that shows what the model expected, or why it cannot be shown."""
    found = await asyncio.to_thread(find, context, key)
    known, why = expectations(request), ""
    try:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(known.worker, known.work_out, key, found.row, context.archive)
    except InspectorError as error:
        why = str(error)
    return HTMLResponse(context.render("_expected.html.j2", key=key, why=why))


@router.get("/rejects/{key}/expected/{which}.jpg")
def expected_picture(request: Request, key: str, which: Literal["seen", "expected"], asking: Anyone) -> Response:
    """What the model saw of the strangest field, or what it expected there; known since the page asked for it."""
    found = expectations(request).known(key)
    jpeg = found.seen if which == "seen" else found.expected
    return Response(jpeg, media_type="image/jpeg", headers=FOR_EVER)


def _about(request: Request, context: Context, key: str, template: str) -> HTMLResponse:
    found = find(context, key)
    lines = [control.now for control in context.hub.controls.values()]
    deadline_ms = next((now.deadline_ms for now in lines if now.recipe_hash == found.row.recipe_hash), None)
    return context.page(request, template, found=found, deadline_ms=deadline_ms, **WORDS)


def _only_rejects(search: Search) -> Search:
    """A pass is no reject, whatever the address says."""
    rejects = search.verdict in ("fail", "missed")
    return search if rejects else search.model_copy(update={"verdict": "reject"})
