"""Several lines in one process: the caller's thread serves them, another one watches over them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

LOOK_S = 0.05


class Line(Protocol):
    """A line as far as it has to be run."""

    @property
    def running(self) -> bool: ...

    @property
    def deserted(self) -> bool: ...

    def start(self) -> None: ...

    def wait(self, seconds: float) -> None: ...

    def tick(self) -> None: ...

    def look(self) -> None: ...

    def fail(self, error: BaseException) -> None: ...

    def wind_up(self) -> None: ...


def run_together(lines: Sequence[Line], last_resort: Callable[[], None] = lambda: None) -> None:
    """Run lines side by side until the last one has ended. One that fails goes to its safe state; the others go on.

    Where the caller's own thread hangs, all lines wind up, and `last_resort` is called: it should end the process.
    """
    with _watched(lines, last_resort):
        try:
            for line in lines:
                line.start()
            while running := [line for line in lines if line.running]:
                running[0].wait(LOOK_S)
                for line in running:
                    line.tick()
        finally:
            for line in lines:
                line.wind_up()


@contextmanager
def _watched(lines: Sequence[Line], last_resort: Callable[[], None]) -> Iterator[None]:
    """Within, a thread of its own looks after the lines. It shares nothing with what can hang: no camera, no display,
    no disk, and no output, each of which is driven to its safe state on yet another thread.
    """
    ended = threading.Event()
    watchdog = threading.Thread(target=_watch, args=(lines, ended, last_resort), name="line-watchdog", daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()


def _watch(lines: Sequence[Line], ended: threading.Event, last_resort: Callable[[], None]) -> None:
    try:
        while not ended.wait(LOOK_S):
            for line in lines:
                line.look()
            if any(line.deserted for line in lines) and not any(line.running for line in lines):
                last_resort()
                return
    except BaseException as error:  # nobody watches any more
        for line in lines:
            line.fail(error)
