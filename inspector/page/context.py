"""What every route needs: the lines, and how to make a page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from inspector.errors import StoreError
from inspector.page.access import COOKIE, Gate, Role, Who, csrf_token, give_cookie, who
from inspector.page.broadcast import Broadcast
from inspector.page.control import LineControl
from inspector.page.drafts import Drafts
from inspector.page.errors import Unknown
from inspector.page.feed import Feed
from inspector.page.live import Hub
from inspector.page.record_link import RecordLink
from inspector.page.snapshot import Snapshots
from inspector.page.video import Video
from inspector.record import audit
from inspector.record.store import Store
from inspector.text import number, told_apart

_logger = logging.getLogger(__name__)
NAVIGATION = (  # name of the page, address, role that sees it
    ("Line", "/", Role.VIEWER),
    ("Rejects", "/rejects", Role.VIEWER),
    ("Threshold", "/threshold", Role.VIEWER),
    ("Changeover", "/changeover", Role.VIEWER),
    ("History", "/history", Role.VIEWER),
    ("Setup", "/setup", Role.ENGINEER),
    ("Audit", "/audit", Role.ENGINEER),
)
THEMES = ("dark", "light")


@dataclass(frozen=True)
class Context:
    """Of one app."""

    hub: Hub
    snapshots: Snapshots
    videos: Mapping[str, Video]
    broadcast: Broadcast
    encoder: ThreadPoolExecutor
    config_dir: Path
    model_dir: Path
    pages: Environment
    gate: Gate
    link: RecordLink  # to the record
    archive: Path | None = None  # where kept pictures lie

    @property
    def drafts(self) -> Drafts:
        """Products that were drawn or trained and that no line uses yet."""
        return Drafts(self.config_dir, self.model_dir)

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
    def store(self) -> Store | None:
        """The record; None where there is none, or none that can be opened."""
        return self.link.store

    @property
    def record(self) -> Store:
        """The record. Raises Unknown where there is none, StoreError where it cannot be opened."""
        store = self.store
        if store is not None:
            return store
        if self.link.trouble:
            raise StoreError(self.link.trouble)
        raise Unknown("this station keeps no record: start it with --record FILE")

    def note(self, asking: Who, action: str, subject: str, **details: object) -> None:
        """Write a change of state into the audit trail: who did what to what. Before it is done: what cannot be
        written down must not be done. Raises StoreError.
        """
        self.say(asking.title, action, subject, **details)

    def say(self, name: str, action: str, subject: str, **details: object) -> None:
        """The same, by the name that the trail has for them. Without a record it goes to the program's own log."""
        if self.store is None and not self.link.trouble:
            _logger.info("%s: %s %s %s", name, action, subject, details or "")
        else:
            audit.append(self.record, name, action, subject, details)

    def render(self, template: str, **values: object) -> str:
        """A template without its surroundings, for a part of a page."""
        return self.pages.get_template(template).render(**values)

    def page(self, request: Request, template: str, **values: object) -> HTMLResponse:
        """A whole page, or a part of one, with who asks and where they are."""
        asking, response = who(request), HTMLResponse()
        cookie = request.cookies.get(COOKIE) or give_cookie(request, response)
        theme = request.cookies.get("theme", "")
        common = {
            "csrf": csrf_token(cookie),
            "has_accounts": self.gate.has_accounts,
            "record_trouble": self.link.trouble,
            "asking": asking,
            "Role": Role,
            "navigation": [(name, address) for name, address, role in NAVIGATION if asking.may(role)],
            "here": request.url.path,
            "theme": theme if theme in THEMES else "",
        }
        response.body = self.render(template, **common, **values).encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response


def environment() -> Environment:
    """Templates; whatever comes from names of files and products is escaped."""
    made = Environment(
        loader=PackageLoader("inspector.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["pairs"] = lambda names: [(name, name) for name in names]  # options whose words are their values
    made.filters |= {"number": number, "told_apart": told_apart}
    return made


def context_of(request: Request) -> Context:
    """The app's."""
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]
