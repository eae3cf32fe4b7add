"""The page that shows the lines live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from inspector.page.access import Anyone
from inspector.page.context import Context, Ctx
from inspector.page.schemas import CameraState
from inspector.page.video import BOUNDARY

router = APIRouter(include_in_schema=False)
TICK_S = 0.25  # between two looks
ALIVE_S = 1.0  # a viewer hears something at least so often, and so knows that what it shows is not old


@router.get("/")
def line(request: Request, context: Ctx, asking: Anyone) -> HTMLResponse:
    """The page."""
    return context.page(request, "line.html.j2", state=context.snapshots())


@router.get("/live")
async def live(context: Ctx, asking: Anyone) -> StreamingResponse:
    """Server-sent events: for each camera the parts of the page that change, and the figures of its charts."""
    return StreamingResponse(_events(context), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get("/cameras/{camera}/live.mjpg")
async def video(camera: str, context: Ctx, asking: Anyone) -> StreamingResponse:
    """The annotated view, as MJPEG."""
    context.feed(camera)
    pictures = context.videos[camera].multipart()
    kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
    return StreamingResponse(pictures, media_type=kind, headers={"Cache-Control": "no-store"})


async def _events(context: Context) -> AsyncIterator[str]:
    said, silent_s = "", 0.0
    while not context.hub.over:
        data = await asyncio.to_thread(_data, context)
        if data != said or silent_s >= ALIVE_S:
            said, silent_s = data, 0.0
            yield f"data: {data}\n\n"
        await asyncio.sleep(TICK_S)
        silent_s += TICK_S


def _data(context: Context) -> str:
    cameras = [
        {
            "name": camera.name,
            "status": context.render("_status.html.j2", camera=camera),
            "badges": context.render("_badges.html.j2", camera=camera),
            "rejects": context.render("_last_rejects.html.j2", camera=camera),
            "alarms": context.render("_alarms.html.j2", camera=camera),
            **camera.model_dump(include=set(_CHARTED)),
        }
        for camera in context.snapshots().cameras
    ]
    return json.dumps({"cameras": cameras})


_CHARTED: tuple[str, ...] = (
    "sequence",
    "scores",
    "verdicts",
    "latencies_ms",
    "first_number",
    "threshold",
    "deadline_ms",
)
assert set(_CHARTED) <= set(CameraState.model_fields)
