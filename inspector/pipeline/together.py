"""Several lines in one process, watched over by one thread: the caller's."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol

LOOK_S = 0.05


class Line(Protocol):
    """A line as far as it has to be run."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def look(self) -> None: ...

    def wind_up(self) -> None: ...


def run_together(lines: Sequence[Line]) -> None:
    """Run lines side by side until the last one has ended. One that fails goes to its safe state; the others go on."""
    try:
        for line in lines:
            line.start()
        while running := [line for line in lines if line.running]:
            running[0].wait(LOOK_S)
            for line in running:
                line.look()
    finally:
        for line in lines:
            line.wind_up()


class NamedLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the camera's name in front, where there are several."""

    def process(self, msg: str, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        name = (self.extra or {}).get("name")
        return (f"{name}: {msg}" if name else msg), kwargs
