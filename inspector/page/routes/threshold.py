"""The page on which the threshold is moved, with what that does in view."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from inspector.page import threshold
from inspector.page.access import Anyone, Engineer
from inspector.page.context import Ctx
from inspector.page.schemas import ThresholdState, ThresholdWish

router = APIRouter()


@router.get("/threshold", include_in_schema=False)
def page(request: Request, context: Ctx, asking: Anyone, camera: str = "") -> HTMLResponse:
    """The page of one camera."""
    cameras = list(context.hub.controls)
    camera = camera or next(iter(cameras), "")
    state = threshold.state_of(context, camera) if camera else None
    return context.page(request, "threshold.html.j2", cameras=cameras, camera=camera, state=state)


@router.get("/api/cameras/{camera}/threshold")
def read(camera: str, context: Ctx, asking: Anyone) -> ThresholdState:
    """The threshold, and what another one would do."""
    return threshold.state_of(context, camera)


@router.put("/api/cameras/{camera}/threshold", status_code=202)
def put(camera: str, wish: ThresholdWish, context: Ctx, asking: Engineer) -> ThresholdState:
    """Use another one from now on. It is taken over between two parts: see `loading` and `refused`."""
    threshold.move(context, camera, wish.threshold, asking)
    return threshold.state_of(context, camera)


@router.post("/api/cameras/{camera}/threshold/back", status_code=202)
def back(camera: str, context: Ctx, asking: Engineer) -> ThresholdState:
    """Use the one before the last change."""
    threshold.move_back(context, camera, asking)
    return threshold.state_of(context, camera)
