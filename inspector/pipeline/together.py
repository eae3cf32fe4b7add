"""Several lines in one process, watched over by one thread: the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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
