"""A line without its devices: frames from memory, at any pace, and the times at which their verdicts were told."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from inspector.errors import EndOfStream
from inspector.inspection import Inspector
from inspector.metering import Meter
from inspector.overlay.picture import draw
from inspector.pipeline import Pipeline
from inspector.records import Counts, Frame, Image, Inspection, Verdict
from inspector.sinks.base import Sink
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
    """A sink that draws every part, as a line shows rejects."""

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Draw it; keep no picture."""
        draw(inspection, counts)

    def close(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    latencies_ms: NDArray[np.float64]  # of the parts that were judged, in frame order
    missed: int
    seconds: float  # from the first frame to the last verdict
    cpu_ms: Mapping[str, float] = field(default_factory=dict)  # processor time a part, see Meter

    @property
    def rate_hz(self) -> float:
        """Parts a second."""
        return (len(self.latencies_ms) + self.missed) / self.seconds


def run_line(inspector: Inspector, camera: PacedCamera, *, draws: bool = False) -> Run:
    """Run a whole line with its log, and keep account of it; where it `draws`, of every part."""
    told = Told()
    with tempfile.TemporaryDirectory() as folder:
        log = log_into(folder)
        meter = Meter()
        sinks = [_Metered(Drawer(), meter, "drawing")] if draws else []
        journal = _Metered(log, meter, "log")
        with inspector.detector.watched(lambda: meter.stage("session")):
            metered = _MeteredCamera(camera, meter), _MeteredInspector(inspector, meter)
            Pipeline(*metered, sinks, [told], journal=journal).run()
        cpu_ms = meter.ms_per_part(len(told.told_ns))
    return dataclasses.replace(run_of(camera, told), cpu_ms=cpu_ms)


class _Metered:
    """A sink, metered."""

    def __init__(self, sink: Sink, meter: Meter, name: str) -> None:
        self._sink, self._meter, self._name = sink, meter, name

    def write(self, inspection: Inspection, counts: Counts) -> None:
        with self._meter.stage(self._name):
            self._sink.write(inspection, counts)

    def close(self) -> None:
        with self._meter.stage(self._name):
            self._sink.close()


class _MeteredCamera(PacedCamera):
    """A camera, metered: the same frames and notes."""

    def __init__(self, camera: PacedCamera, meter: Meter) -> None:
        self.__dict__ |= camera.__dict__
        self._meter = meter

    def read(self, timeout_s: float) -> Frame | None:
        with self._meter.stage("camera"):
            return super().read(timeout_s)


class _MeteredInspector(Inspector):
    """An inspector, metered: the same recipe, model and tables."""

    def __init__(self, inspector: Inspector, meter: Meter) -> None:
        self.__dict__ |= inspector.__dict__
        self._meter = meter

    def inspect(self, frames: Sequence[Frame]) -> list[Inspection]:
        with self._meter.stage("preparing and judging"):
            return super().inspect(frames)


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
