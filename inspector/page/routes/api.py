"""The typed API that the pages use."""

from __future__ import annotations

from fastapi import APIRouter, Response

from inspector.overlay.picture import annotated
from inspector.page.access import Anyone
from inspector.page.context import Ctx
from inspector.page.errors import Unknown
from inspector.page.feed import small_jpeg
from inspector.page.schemas import CameraState, LiveState, Part
from inspector.page.snapshot import part_of

router = APIRouter(prefix="/api")


@router.get("/live")
def live(context: Ctx, asking: Anyone) -> LiveState:
    """All lines at this moment."""
    return context.snapshots()


@router.get("/cameras/{camera}")
def camera(camera: str, context: Ctx, asking: Anyone) -> CameraState:
    """One line at this moment."""
    context.feed(camera)
    return next(state for state in context.snapshots().cameras if state.name == camera)


@router.get("/cameras/{camera}/parts")
def parts(camera: str, context: Ctx, asking: Anyone) -> list[Part]:
    """The last 1000 parts, oldest first."""
    return [part_of(judged) for judged in context.feed(camera).state.recent]


@router.get(
    "/cameras/{camera}/parts/{number}/small.jpg",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def small(camera: str, number: int, context: Ctx, asking: Anyone) -> Response:
    """A small picture of a recent part; of the last rejects, with what is strange about it. 404 where there is none."""
    state = context.feed(camera).state
    for inspection in state.rejects:
        if inspection.index == number:
            return Response(small_jpeg(annotated(inspection)), media_type="image/jpeg")
    for judged in state.recent:
        if judged.number == number and judged.picture is not None:
            return Response(judged.picture, media_type="image/jpeg", headers={"Cache-Control": "max-age=600"})
    raise Unknown(f"no picture of part {number}")


@router.get("/cameras/{camera}/picture.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def picture(camera: str, context: Ctx, asking: Anyone) -> Response:
    """The newest annotated picture; 204 before the first part."""
    context.feed(camera)
    shot = await context.videos[camera].current()
    return Response(shot.jpeg, media_type="image/jpeg") if shot.jpeg else Response(status_code=204)
