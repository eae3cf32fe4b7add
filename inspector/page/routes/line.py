"""The page that shows the lines live."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from inspector.page.access import Anyone
from inspector.page.context import Ctx
from inspector.page.video import BOUNDARY

router = APIRouter(include_in_schema=False)


@router.get("/")
def line(request: Request, context: Ctx, asking: Anyone) -> HTMLResponse:
    """The page."""
    return context.page(request, "line.html.j2", state=context.snapshots())


@router.get("/live")
async def live(
    context: Ctx, asking: Anyone, view: Annotated[list[str], Query(default_factory=list, max_length=100)]
) -> Response:
    """Server-sent events: the state of all cameras, and pictures of those in `view`; see Broadcast."""
    events = context.broadcast.events(view)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get("/cameras/{camera}/live.mjpg")
async def video(camera: str, context: Ctx, asking: Anyone) -> Response:
    """The annotated view as MJPEG, for whatever shows a picture by its address."""
    context.feed(camera)
    pictures = context.videos[camera].multipart()
    kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
    return StreamingResponse(pictures, media_type=kind, headers={"Cache-Control": "no-store"})
