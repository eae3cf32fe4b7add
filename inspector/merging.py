"""One model for several lines: what waits at the same time is run together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.records import AnomalyMap, Patches

Run = Callable[[Patches], AnomalyMap]


@dataclass(eq=False, slots=True)
class _Request:
    patches: Patches
    maps: AnomalyMap | None = None
    error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.maps is not None or self.error is not None


class Merging:
    """Calls `run` from one thread at a time. Who has to wait for that is served together with the others who wait.

    Whoever gets his turn first runs the patches of all, so nobody waits for company and no thread is needed.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._turn = threading.Lock()
        self._waiting: list[_Request] = []
        self._queue = threading.Lock()  # of `_waiting`; never held for long

    def __call__(self, patches: Patches) -> AnomalyMap:
        """The maps of these patches. Raises what `run` raises on them, not on those of others."""
        request = _Request(patches)
        with self._queue:
            self._waiting.append(request)
        with self._turn:
            if not request.done:
                self._serve(self._take())
        if request.error is not None:
            raise request.error
        assert request.maps is not None
        return request.maps

    def _take(self) -> Sequence[_Request]:
        with self._queue:
            requests, self._waiting = self._waiting, []
            return requests

    def _serve(self, requests: Sequence[_Request]) -> None:
        if len(requests) > 1:
            with contextlib.suppress(Exception):  # whose patches it was is found out below
                self._serve_together(requests)
        for request in requests:
            if not request.done:
                self._serve_alone(request)

    def _serve_together(self, requests: Sequence[_Request]) -> None:
        maps = self._run(np.concatenate([request.patches for request in requests]))
        ends = np.cumsum([len(request.patches) for request in requests])
        for request, own in zip(requests, np.split(maps, ends[:-1]), strict=True):
            request.maps = own

    def _serve_alone(self, request: _Request) -> None:
        try:
            request.maps = self._run(request.patches)
        except Exception as error:
            request.error = error
