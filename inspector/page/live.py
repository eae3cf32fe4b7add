"""All feeds and controls of this process, by the name of their camera."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from inspector.page.control import LineControl
from inspector.page.feed import Feed

ONLY = "line"  # what a camera without a name is called in addresses


class Hub:
    """What the pages show live. Lines are added before the server starts."""

    def __init__(self, watched: Sequence[Path] = ()) -> None:
        self._feeds: dict[str, Feed] = {}
        self._controls: dict[str, LineControl] = {}
        self._troubles: dict[str, Callable[[], Sequence[str]]] = {}
        self._over = threading.Event()
        self.watched = tuple(watched)  # folders that must not run full

    def add(self, feed: Feed, control: LineControl, troubles: Callable[[], Sequence[str]] = lambda: ()) -> None:
        """Show a line, and let the pages act on it. `troubles` says, a line each, what is not kept of it at present."""
        name = feed.name or ONLY
        self._feeds[name] = feed
        self._controls[name] = control
        self._troubles[name] = troubles

    @property
    def feeds(self) -> dict[str, Feed]:
        """What each line has judged lately, by camera."""
        return self._feeds

    @property
    def controls(self) -> dict[str, LineControl]:
        """What the pages may do to each line, by camera."""
        return self._controls

    def troubles(self, name: str) -> Sequence[str]:
        """What is not kept of a line at present, a line each."""
        return self._troubles[name]()

    @property
    def over(self) -> bool:
        """Whether the process ends: streams end, too."""
        return self._over.is_set()

    def close(self) -> None:
        """End all streams."""
        self._over.set()
