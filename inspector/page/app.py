"""The routes put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import ceil
from pathlib import Path
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspector.cli import version
from inspector.errors import InspectorError, StoreError
from inspector.page import routes
from inspector.page.access import Gate, check_csrf
from inspector.page.broadcast import Broadcast
from inspector.page.context import Context, environment
from inspector.page.drafts import Drafts
from inspector.page.errors import Forbidden, LoginNeeded, TooManyGuesses, Unknown
from inspector.page.line_process import LineProcess
from inspector.page.live import Hub
from inspector.page.part_pictures import Expectations
from inspector.page.part_views import PartViews
from inspector.page.record_link import RecordLink
from inspector.page.snapshot import Snapshots
from inspector.page.teaching import Teaching
from inspector.page.video import Video, make_encoder
from inspector.record.store import Store

STATIC = Path(__file__).parent / "static"
STATUS: dict[type[InspectorError], int] = {
    Unknown: 404,
    LoginNeeded: 401,
    Forbidden: 403,
    TooManyGuesses: 429,
    StoreError: 503,
    InspectorError: 409,
}
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
    link: RecordLink | None = None,
    line_process: LineProcess | None = None,
) -> FastAPI:
    """Return the app over some lines, or over one that it may start, and the record.

    That is a `store` that is open, or a `link` to one that may come. Raises StoreError.
    """
    link = link or RecordLink.to(store)
    drafts = Drafts(config_dir, model_dir)
    teaching = Teaching(hub, drafts, config_dir, config_dir.parent / "data")
    app = FastAPI(
        title="Line inspector",
        version=version(),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_closing(teaching),
    )
    encoder, gate = make_encoder(), Gate(link)
    videos = {name: Video(feed, encoder) for name, feed in hub.feeds.items()}
    snapshots, pages = Snapshots(hub, link), environment()
    broadcast = Broadcast(hub, snapshots, videos, pages)
    app.state.context = Context(
        hub, snapshots, videos, broadcast, encoder, config_dir, model_dir, pages, gate, link, archive
    )
    app.state.gate = gate
    app.state.teaching = teaching
    app.state.part_views = PartViews(hub, drafts, teaching.good_folder)
    app.state.line_process = line_process
    app.state.expectations = Expectations(config_dir, model_dir)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in routes.ROUTERS:
        app.include_router(router, dependencies=[Depends(check_csrf)])
    app.add_exception_handler(InspectorError, _refused)
    app.add_middleware(WithHeaders)
    return app


def _closing(teaching: Teaching) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the life span of an app: training does not outlive it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(teaching.close)

    return life


async def _refused(request: Request, error: Exception) -> Response:
    """What the program refuses, in a line, as the page or the API shows it."""
    if isinstance(error, LoginNeeded) and request.method == "GET" and not request.url.path.startswith("/api/"):
        return RedirectResponse(f"/login?to={quote(request.url.path)}", 303)
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    if "text/html" in request.headers.get("accept", ""):  # somebody who followed a link
        context: Context = request.app.state.context
        return HTMLResponse(context.render("refused.html.j2", words=str(error)), status)
    headers = {"Retry-After": str(ceil(error.wait_s))} if isinstance(error, TooManyGuesses) else {}
    return JSONResponse({"detail": str(error)}, status, headers)


class WithHeaders:
    """Adds the headers that every answer has. Plain ASGI: Starlette's own base class costs a queue for each stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
