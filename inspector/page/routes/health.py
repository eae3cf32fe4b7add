"""What machines ask: whether the program lives, whether it is ready, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Response

from inspector.page.context import Ctx
from inspector.page.metrics import CONTENT_TYPE, exposition

router = APIRouter()


@router.get("/healthz", response_class=Response)
def healthz() -> Response:
    """200 while the program answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", response_class=Response, responses={503: {"description": "a line does not run"}})
def readyz(context: Ctx) -> Response:
    """200 while every line of this process runs, else 503 with the names of those that do not."""
    down = [name for name, control in context.hub.controls.items() if not control.now.running or control.now.failed]
    if down:
        return Response(f"not running: {', '.join(down)}\n", 503, media_type="text/plain")
    return Response("ready\n", media_type="text/plain")


@router.get("/metrics", response_class=Response)
def metrics(context: Ctx) -> Response:
    """Counts, scores and latencies as Prometheus reads them."""
    return Response(exposition(context.hub), media_type=CONTENT_TYPE)
