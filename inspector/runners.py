"""How a model runs: what its callers want at the same time is cut into batches, and some threads work at them."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np

from inspector.records import Patches, Prediction

Run = Callable[[Patches], Prediction]
Working = Callable[[], AbstractContextManager[None]]


class Runners:
    """Calls `run` with batches of these sizes, from at most `at_once` threads; `working` is entered around each batch.

    Those that call run what waits until their own patches are done, helped by threads of this object where there are
    several patches: so those of one part are judged at the same time, those who wait at the same time share batches,
    and nobody waits for company. The threads end with the object.
    """

    def __init__(self, run: Run, sizes: Sequence[int], at_once: int, working: Working = contextlib.nullcontext) -> None:
        self._waiting = _Waiting(sizes, at_once)
        self._tools = self._waiting, run, working
        # They know only these, not this object, or it would never be gone.
        self._helpers = [
            threading.Thread(target=_work, args=self._tools, name=f"model-{number}", daemon=True)
            for number in range(1, at_once)
        ]
        self._starting = threading.Lock()
        weakref.finalize(self, self._waiting.close)

    def __call__(self, patches: Patches) -> Prediction:
        """Maps and scores of these patches. Raises what `run` raises on them, not on those of others."""
        if len(patches) > 1:
            self._start_helpers()
        request = _Request(patches)
        self._waiting.put(request)
        _work(*self._tools, request)
        return request.result()

    def _start_helpers(self) -> None:
        with self._starting:
            while self._helpers:
                self._helpers.pop().start()


@dataclass(eq=False, slots=True)
class _Request:
    patches: Patches
    taken: int = 0  # of them, by threads
    found: dict[int, Prediction] = field(default_factory=dict)  # by the number of its first patch
    error: BaseException | None = None

    @property
    def left(self) -> int:
        return len(self.patches) - self.taken

    @property
    def done(self) -> bool:
        return self.error is not None or sum(len(each.scores) for each in self.found.values()) == len(self.patches)

    def cut(self, size: int) -> _Piece:
        start = self.taken
        self.taken = min(start + size, len(self.patches))
        return _Piece(self, start, self.patches[start : self.taken])

    def result(self) -> Prediction:
        if self.error is not None:
            raise self.error
        return Prediction.concatenate([self.found[start] for start in sorted(self.found)])


@dataclass(slots=True)
class _Piece:
    """Some patches of a request, run together."""

    request: _Request
    start: int
    patches: Patches
    found: Prediction | None = None
    error: BaseException | None = None


class _Waiting:
    """Requests in the order in which they came, taken a batch at a time."""

    def __init__(self, sizes: Sequence[int], at_once: int) -> None:
        self._sizes = sizes
        self._at_once = self._free = at_once
        self._requests: deque[_Request] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, request: _Request) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def take(self, own: _Request | None = None) -> list[_Piece]:
        """The next batch, when there is a turn: a share of what waits, so that the other turns have theirs.

        Nothing when `own` is done, or, without one, when nothing more comes. Who has nothing left to be taken works for
        nobody else: that would make it wait longer for its own.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._over(own) or (self._free and self._wants(own)))
            if self._over(own):
                return []
            self._free -= 1
            share = -(-sum(request.left for request in self._requests) // self._at_once)
            return self._cut(max(size for size in self._sizes if size <= share))

    def give_back(self, pieces: Sequence[_Piece]) -> None:
        """The turn, with what was found."""
        with self._changed:
            for piece in pieces:
                if piece.found is not None:
                    piece.request.found[piece.start] = piece.found
                else:
                    self._fail(piece.request, piece.error)
            self._free += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fail(self, request: _Request, error: BaseException | None) -> None:
        request.error = error
        with contextlib.suppress(ValueError):  # all of it was taken
            self._requests.remove(request)  # nobody waits for the rest

    def _over(self, own: _Request | None) -> bool:
        return own.done if own else self._closed

    def _wants(self, own: _Request | None) -> bool:
        return bool(own.left if own else self._requests)

    def _cut(self, size: int) -> list[_Piece]:
        pieces = []
        while size:
            pieces.append(self._requests[0].cut(size))
            size -= len(pieces[-1].patches)
            if not self._requests[0].left:
                self._requests.popleft()
        return pieces


def _work(waiting: _Waiting, run: Run, working: Working, own: _Request | None = None) -> None:
    """Run what waits until `own` is done; without one, until nothing more comes."""
    while pieces := waiting.take(own):
        try:
            with working():
                _answer(pieces, run)
        finally:
            waiting.give_back(pieces)
        del pieces  # the next wait may be long: keep no pictures


def _answer(pieces: Sequence[_Piece], run: Run) -> None:
    if len(pieces) > 1:
        with contextlib.suppress(Exception):  # whose patches it was is found out below
            found = run(np.concatenate([piece.patches for piece in pieces]))
            ends = np.cumsum([len(piece.patches) for piece in pieces]).tolist()
            for piece, end in zip(pieces, ends, strict=True):
                piece.found = found.section(end - len(piece.patches), end)
            return
    for piece in pieces:
        try:
            piece.found = run(piece.patches)
        except BaseException as error:  # whatever it is: who waits for an answer must get one
            piece.error = error
