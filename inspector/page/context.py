"""What every route needs: the lines, and how to make a page."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from inspector.page.access import Role, Who, who
from inspector.page.control import LineControl
from inspector.page.errors import Unknown
from inspector.page.feed import Feed
from inspector.page.live import Hub
from inspector.page.snapshot import Snapshots
from inspector.page.video import Video
from inspector.record.store import Store

NAVIGATION = (  # name of the page, address, role that sees it
    ("Line", "/", Role.VIEWER),
    ("Threshold", "/threshold", Role.VIEWER),
    ("Changeover", "/changeover", Role.VIEWER),
)
THEMES = ("dark", "light")


@dataclass(frozen=True)
class Context:
    """Of one app."""

    hub: Hub
    snapshots: Snapshots
    videos: Mapping[str, Video]
    encoder: ThreadPoolExecutor
    config_dir: Path
    model_dir: Path
    pages: Environment
    store: Store | None = None  # the record; None where there is none
    archive: Path | None = None  # where kept pictures lie

    def feed(self, camera: str) -> Feed:
        """Raises Unknown where there is no such camera."""
        try:
            return self.hub.feeds[camera]
        except KeyError:
            raise Unknown(f"no camera {camera}") from None

    def control(self, camera: str) -> LineControl:
        """Raises Unknown where that camera has no line here."""
        try:
            return self.hub.controls[camera]
        except KeyError:
            raise Unknown(f"no line for camera {camera} in this process") from None

    @property
    def record(self) -> Store:
        """The record. Raises Unknown where there is none."""
        if self.store is None:
            raise Unknown("this station keeps no record: start it with --record FILE")
        return self.store

    def note(self, asking: Who, action: str, subject: str, **details: object) -> None:
        """Write a change of state into the audit trail: who did what to what. Before it is done."""

    def render(self, template: str, **values: object) -> str:
        """A template without its surroundings, for a part of a page."""
        return self.pages.get_template(template).render(**values)

    def page(self, request: Request, template: str, **values: object) -> HTMLResponse:
        """A whole page, or a part of one, with who asks and where they are."""
        asking = who(request)
        theme = request.cookies.get("theme", "")
        common = {
            "csrf": "",
            "asking": asking,
            "Role": Role,
            "navigation": [(name, address) for name, address, role in NAVIGATION if asking.may(role)],
            "here": request.url.path,
            "theme": theme if theme in THEMES else "",
        }
        return HTMLResponse(self.render(template, **common, **values))


def environment() -> Environment:
    """Templates; whatever comes from names of files and products is escaped."""
    return Environment(
        loader=PackageLoader("inspector.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def context_of(request: Request) -> Context:
    """The app's."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]
