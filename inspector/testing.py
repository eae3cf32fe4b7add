"""Fakes for tests of the inspector and of programs built on it. The inspector itself never imports this module."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeAlias

import numpy as np

from inspector.errors import CameraError, EndOfStream
from inspector.identity import PartIdentity, RunIdentity
from inspector.outputs.base import OutputState, state_of
from inspector.records import (
    NOT_JUDGED,
    Cause,
    Counts,
    Frame,
    Image,
    Inspection,
    InspectionContext,
    Judgement,
    Verdict,
)

CONTEXT = InspectionContext("bottle", "recipe", "model", threshold=1.0)

Step: TypeAlias = int | Image | Frame | BaseException | None


class ManualClock:
    """A clock that stands still until someone waits: pass it as `now_ns` and its `wait` as the waiting function."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()

    def __call__(self) -> int:
        return self._now_ns

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._lock:
            self._now_ns += round(seconds * 1e9)


class FakeCamera:
    """Plays a script, one step per read, then EndOfStream.

    A step is the index of a blank frame, an image (its frame gets the next index), a whole Frame,
    None for a read that timed out, or an error to raise. Entering again goes on with the script.
    """

    def __init__(
        self, script: Iterable[Step], live: bool = True, now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.live = live
        self._script: Iterator[Step] = iter(script)
        self._now_ns = now_ns
        self._open = False
        self._index = 0  # the next frame's, where the script gives none

    def __enter__(self) -> FakeCamera:
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False

    def read(self, timeout_s: float) -> Frame | None:
        """Play the next step. Raises CameraError outside a with block."""
        if not self._open:
            raise CameraError("fake camera: read() before it was opened")
        step = next(self._script, EndOfStream("end of the script"))
        if isinstance(step, BaseException):
            raise step
        return None if step is None else self._frame(step)

    def _frame(self, step: int | Image | Frame) -> Frame:
        frame = step if isinstance(step, Frame) else self._exposure(step)
        self._index = frame.index + 1
        return frame

    def _exposure(self, step: int | Image) -> Frame:
        if isinstance(step, np.ndarray):
            return Frame(self._index, self._now_ns(), step)
        return blank_frame(step, self._now_ns())


class MemorySink:
    """Keeps every inspection and the counts that came with it."""

    def __init__(self) -> None:
        self.inspections: list[Inspection] = []
        self.counts: list[Counts] = []
        self.closed = False

    @property
    def verdicts(self) -> list[Verdict]:
        return [inspection.verdict for inspection in self.inspections]

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Keep both."""
        self.inspections.append(inspection)
        self.counts.append(counts)

    def close(self) -> None:
        """Remember that the run is over."""
        self.closed = True


class MemoryOutput:
    """Keeps every state it was driven to, with the frame it was for; None for the safe state."""

    away = ""

    def __init__(self) -> None:
        self.states: list[tuple[OutputState, int | None]] = [(OutputState.SAFE, None)]
        self.why = ""  # the last reason for the safe state
        self.closed = False

    @property
    def state(self) -> OutputState:
        """The one it is in."""
        return self.states[-1][0]

    def apply(self, inspection: Inspection) -> None:
        """Keep what is to be done with the part."""
        self.states.append((state_of(inspection), inspection.index))

    def beat(self) -> None:
        """Do nothing: a heartbeat is not kept."""

    def safe(self, why: str) -> None:
        """Keep the reason."""
        self.states.append((OutputState.SAFE, None))
        self.why = why

    def close(self) -> None:
        """Remember that the run is over."""
        self.closed = True


def inspection_of(
    number: int = 0,
    verdict: Verdict = Verdict.PASS,
    *,
    part: str = "",
    captured_ns: int = 0,
    run: RunIdentity | None = None,
    context: InspectionContext = CONTEXT,
    judgement: Judgement = NOT_JUDGED,
    latency_ms: float = math.nan,
    cause: Cause | None = None,
    detail: str = "",
    image: Image | None = None,
) -> Inspection:
    """Return an inspection of the product "bottle", whose threshold is 1."""
    identity = PartIdentity(number, captured_ns, part, run)
    return Inspection(identity, context, verdict, judgement, latency_ms, cause, detail, image)


def blank_frame(index: int, captured_ns: int = 0) -> Frame:
    """Return a black frame of (64, 64, 3)."""
    return Frame(index, captured_ns, np.zeros((64, 64, 3), np.uint8))
