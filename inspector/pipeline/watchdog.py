"""Notice stages that have work and do not move.

Thread: `Watchdog.look` is called on "line-watchdog", `Stage.doing` on the thread of each stage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

LONGEST_NAP_S = 1.0  # between two looks: a program that was suspended for an hour has not hung for an hour
ADVICE = {
    "capture": "check the camera, its cable and driver",
    "inspect": "check the device that the model runs on, and its driver",
    "deliver": "check the outputs and the disk of the log",
    "record": "check where it goes: disk, network, display",
    "caller": "check the display, and the disk of the recipes",
}


class Abandoned(BaseException):
    """Raised in a thread that was given up and moves again: another has taken over, it must touch nothing more."""


class Stage:
    """What one thread is doing at the moment, as far as it can hang in it.

    Waiting for another stage does not count: the one that is waited for hangs.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._doing = ""
        self._moves = 0
        self._given_up = False

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Mark what is done within as something that may hang. Raises Abandoned where the thread was given up."""
        self._move(what)
        try:
            yield
        finally:
            self._move("")

    @property
    def state(self) -> tuple[int, str]:
        """How often the thread has moved so far, and what it is doing."""
        with self._lock:
            return self._moves, self._doing

    @property
    def given_up(self) -> bool:
        return self._given_up

    def give_up(self, moves: int) -> bool:
        """Give the thread up, unless it has moved since `moves`; return whether it is given up."""
        with self._lock:
            self._given_up = self._given_up or (self._moves == moves and bool(self._doing))
            return self._given_up

    def _move(self, what: str) -> None:
        with self._lock:
            if self._given_up:
                raise Abandoned(self.name)
            self._doing = what
            self._moves += 1


class Watchdog:
    """Gives up stages that have been doing the same thing for `stall_s`. Looks when it is called."""

    def __init__(self, stall_s: float, now_ns: Callable[[], int]) -> None:
        self._stall_ns = stall_s * 1e9
        self._now_ns = now_ns
        self._looked_ns = now_ns()
        self._awake_ns = 0  # the time that this watchdog has seen pass
        self._since: dict[Stage, tuple[int, int]] = {}  # moves, and when they were first seen

    def look(self, stages: Iterable[Stage]) -> list[tuple[Stage, str]]:
        """Return the stages that are given up from now on, and what each hangs in."""
        now_ns = self._now_ns()
        self._awake_ns += min(now_ns - self._looked_ns, round(LONGEST_NAP_S * 1e9))
        self._looked_ns = now_ns
        return [(stage, doing) for stage in stages if (doing := self._hangs_in(stage))]

    def _hangs_in(self, stage: Stage) -> str:
        moves, doing = stage.state
        seen, since_ns = self._since.get(stage, (-1, 0))
        if not doing or moves != seen:
            self._since[stage] = (moves, self._awake_ns)
            return ""
        if stage.given_up or self._awake_ns - since_ns < self._stall_ns:
            return ""
        return doing if stage.give_up(moves) else ""
