"""A core of its own for each thread that works."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator


def cores() -> int:
    """How many processor cores this program may use."""
    return len(_usable()) or os.cpu_count() or 1


def keep_to_share(number: int, of: int) -> None:
    """Keep this program to its share of the cores: `number`, from 0, of so many programs that work side by side.

    Each has a core of its own where there are enough. Without effect where that cannot be done (anything but Linux).
    """
    usual = sorted(_usable())
    if usual:
        _stay_on(set(usual[number::of]) or {usual[number % len(usual)]})


class OwnCores:
    """Who works stays on a core that no other of these threads is on, while there are enough.

    Left alone, a thread that wakes up while others are on every core is put on any of them, and two that work may share
    one for as long as something else, of low priority perhaps, has the other: priorities only count between threads on
    the same core. Without effect where a thread cannot be kept on a core (anything but Linux).
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()
        self._lock = threading.Lock()
        self._last = threading.local()  # of each thread: its caches may still hold something

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Work on one of them, if one is free; after that, wherever the system likes."""
        usual = _usable()
        core = self._take(usual)
        if core is None:
            yield
            return
        _stay_on({core})
        try:
            yield
        finally:
            _stay_on(usual)
            with self._lock:
                self._taken.remove(core)

    def _take(self, usual: set[int]) -> int | None:
        with self._lock:
            free = usual - self._taken
            if not free:
                return None
            last: int | None = getattr(self._last, "core", None)
            core = last if last in free else min(free)
            self._taken.add(core)
        self._last.core = core
        return core


def _usable() -> set[int]:
    return os.sched_getaffinity(0) if sys.platform == "linux" else set()


def _stay_on(numbers: set[int]) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # those this program may use have changed: it goes on where it is
            os.sched_setaffinity(0, numbers)
