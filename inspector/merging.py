"""One model for several threads: what waits at the same time is run together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.records import Patches, Strangeness

TOGETHER = 8  # patches: in larger batches each costs no less, and all wait longer (docs/performance.md)

Run = Callable[[Patches], Strangeness]


@dataclass(eq=False, slots=True)
class _Request:
    patches: Patches
    found: Strangeness | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.found is not None or self.error is not None


class Merging:
    """Calls `run` from at most `at_once` threads. Who has to wait for that is served together with others who wait.

    Whoever gets a turn runs the patches of those who wait, too, so nobody waits for company and no thread is needed.
    """

    def __init__(self, run: Run, at_once: int = 1) -> None:
        self._run = run
        self._at_once = self._free = at_once
        self._waiting: list[_Request] = []
        self._changed = threading.Condition()

    def __call__(self, patches: Patches) -> Strangeness:
        """Maps and scores of these patches. Raises what `run` raises on them, not on those of others."""
        request = _Request(patches)
        if requests := self._turn(request):
            try:
                self._serve(requests)
            finally:
                self._give_back()
        if request.error is not None:
            raise request.error
        assert request.found is not None
        return request.found

    def _turn(self, own: _Request) -> Sequence[_Request]:
        """Wait for a turn, and take along a share of the others who wait; nothing where another has served it."""
        with self._changed:
            self._waiting.append(own)
            self._changed.wait_for(lambda: own.done or (self._free and own in self._waiting))
            if own.done:
                return ()
            self._free -= 1
            taken = self._share(own)
            self._waiting = [other for other in self._waiting if other not in taken]
            return taken

    def _share(self, own: _Request) -> list[_Request]:
        """Its own and the oldest others, as many as leave the other turns theirs."""
        taken, patches = [own], len(own.patches)
        others = [other for other in self._waiting if other is not own]
        for other in others[: -(-len(self._waiting) // self._at_once) - 1]:
            patches += len(other.patches)
            if patches > TOGETHER:
                break
            taken.append(other)
        return taken

    def _give_back(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def _serve(self, requests: Sequence[_Request]) -> None:
        if len(requests) > 1:
            with contextlib.suppress(Exception):  # whose patches it was is found out below
                self._serve_together(requests)
        for request in requests:
            if not request.done:
                self._serve_alone(request)

    def _serve_together(self, requests: Sequence[_Request]) -> None:
        found = self._run(np.concatenate([request.patches for request in requests]))
        ends = np.cumsum([len(request.patches) for request in requests]).tolist()
        for request, end in zip(requests, ends, strict=True):
            request.found = found.part(end - len(request.patches), end)

    def _serve_alone(self, request: _Request) -> None:
        try:
            request.found = self._run(request.patches)
        except BaseException as error:  # whatever it is: who waits for an answer must get one
            request.error = error
