"""The routes put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

from inspector.cli import version
from inspector.errors import InspectorError
from inspector.page import routes
from inspector.page.context import Context, environment
from inspector.page.errors import Unknown
from inspector.page.live import Hub
from inspector.page.snapshot import Snapshots
from inspector.page.video import Video, make_encoder
from inspector.record.store import Store
from inspector.records import Counts

STATIC = Path(__file__).parent / "static"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(
    hub: Hub,
    config_dir: Path,
    model_dir: Path,
    store: Store | None = None,
    archive: Path | None = None,
    shift: Callable[[str], Counts | None] = lambda camera: None,
) -> FastAPI:
    """The app over some lines and the record. `shift` counts the parts of a camera's present shift; None where nobody
    knows.
    """
    app = FastAPI(
        title="Line inspector", version=version(), docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    encoder = make_encoder()
    videos = {name: Video(feed, encoder) for name, feed in hub.feeds.items()}
    app.state.context = Context(
        hub, Snapshots(hub, shift), videos, encoder, config_dir, model_dir, environment(), store, archive
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in routes.ROUTERS:
        app.include_router(router)
    app.add_exception_handler(InspectorError, _refused)
    app.middleware("http")(_with_headers)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """What the program refuses, in a line, as the page or the API shows it."""
    return JSONResponse({"detail": str(error)}, 404 if isinstance(error, Unknown) else 409)


async def _with_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
