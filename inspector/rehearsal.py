"""A line without its devices: frames from memory, at any pace, and the times at which their verdicts were told."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from inspector.errors import EndOfStream
from inspector.inspection import Inspector
from inspector.overlay.picture import draw
from inspector.pipeline import Pipeline
from inspector.records import Counts, Frame, Image, Inspection, Verdict
from inspector.sinks.log import LogSink


class PacedCamera:
    """Frames from memory, at `rate_hz` as a line brings them, or without a rate as fast as they are taken."""

    def __init__(self, images: Sequence[Image], count: int, rate_hz: float | None = None) -> None:
        self.live = rate_hz is not None
        self._images, self._count, self._rate_hz = images, count, rate_hz
        self._index = 0
        self.captured_ns = np.full(count, 0)  # filled at once: a long run must not grow for being watched

    def __enter__(self) -> PacedCamera:
        self._started_s = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, timeout_s: float) -> Frame | None:
        """The next one, when its time has come."""
        if self._index == self._count:
            raise EndOfStream("all frames were shown")
        wait_s = self._wait_s()
        time.sleep(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            return None
        frame = Frame(self._index, time.monotonic_ns(), self._images[self._index % len(self._images)])
        self.captured_ns[self._index] = frame.captured_ns
        self._index += 1
        return frame

    def _wait_s(self) -> float:
        if self._rate_hz is None:
            return 0
        return max(0.0, self._started_s + self._index / self._rate_hz - time.perf_counter())


class Told:
    """An output that notes when it is told each verdict."""

    away = ""

    def __init__(self) -> None:
        self.told_ns: list[int] = []
        self.missed: list[bool] = []

    def apply(self, inspection: Inspection) -> None:
        """In frame order, missed ones too."""
        self.told_ns.append(time.monotonic_ns())
        self.missed.append(inspection.verdict is Verdict.MISSED)

    def beat(self) -> None:
        """There is nothing to show it to."""

    def safe(self, why: str) -> None:
        """There is nothing to drive."""

    def close(self) -> None:
        """Nothing to release."""


class Drawer:
    """A sink that draws rejects, as a line shows them."""

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Draw where it is a reject; keep no picture."""
        if inspection.verdict.reject:
            draw(inspection, counts)

    def close(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    latencies_ms: NDArray[np.float64]  # of the parts that were judged, in frame order
    missed: int
    seconds: float  # from the first frame to the last verdict

    @property
    def rate_hz(self) -> float:
        """Parts a second."""
        return (len(self.latencies_ms) + self.missed) / self.seconds


def run_line(inspector: Inspector, camera: PacedCamera) -> Run:
    """A whole run, logged, rejects drawn."""
    told = Told()
    with tempfile.TemporaryDirectory() as folder:
        Pipeline(camera, inspector, [log_into(folder), Drawer()], [told]).run()
    return run_of(camera, told)


def run_of(camera: PacedCamera, told: Told) -> Run:
    """What a run of this camera has come to."""
    latencies_ms = np.subtract(told.told_ns, camera.captured_ns) / 1e6
    missed = np.array(told.missed)
    return Run(latencies_ms[~missed], int(missed.sum()), (told.told_ns[-1] - camera.captured_ns[0]) / 1e9)


def log_into(folder: str) -> LogSink:
    """A log as a line writes it."""
    return LogSink(Path(folder), lambda: datetime.now(timezone.utc))


def photo_like(height: int = 1000, width: int = 1000) -> Image:
    """Smooth shades with noise: camera images are neither flat nor white noise."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, height)[:, None, None] + np.linspace(-20, 20, width)[None, :, None]
    return np.asarray(np.clip(ramp + rng.normal(0, 4, (height, width, 3)), 0, 255), np.uint8)
