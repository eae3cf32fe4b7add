"""How fast a product is judged on this machine: each stage alone, the whole line, and the line at 80 % of its capacity.

Times mean little from one machine to another, and on a shared one from one minute to the next. So everything that is
compared is measured in turn in the same run, and told as a ratio.
"""

from __future__ import annotations

import functools
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from inspector import judge
from inspector.cli import version
from inspector.colour import ColourHighlighter
from inspector.detector import runtime_version
from inspector.errors import EndOfStream
from inspector.inspection import Inspector
from inspector.overlay import draw
from inspector.pipeline import Pipeline
from inspector.records import Counts, Frame, Image, Inspection, Verdict
from inspector.sinks.log import LogSink

ROUNDS = 30  # of the stages
TURNS = 5  # of bare session and line
LOAD = 0.8  # of the line's capacity: what a line is planned for
OVERHEAD = ("tiling", "judge", "log")
EVERY_PART = ("session", *OVERHEAD, "align")  # the others are only done on demand


@dataclass(frozen=True)
class Report:
    """What was measured. Ratios compare things measured in turn in the same run."""

    product: str
    image_px: tuple[int, int]  # height, width
    patches: int  # per part
    batch: int  # parts
    pipeline_efficiency: float  # parts a second of the whole line, over those of the bare session
    overhead_ms_per_part: float  # resize, tiling, judge, log
    stages_ms: Mapping[str, float]  # median for one part
    latency_p50_ms: float  # at `load`, from capture to verdict
    latency_p99_ms: float
    load: float  # arrivals over capacity
    missed_at_load: int
    parts_per_second: float
    session_parts_per_second: float
    provider: str
    machine: Mapping[str, str | int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        whole = sum(self.stages_ms.get(stage, 0.0) for stage in EVERY_PART)
        height, width = self.image_px
        return [
            f"{self.product}: {width}x{height} px, {self.patches} patches a part, batches of {self.batch} parts, "
            f"{self.provider} on {self.machine['cores']} cores of {self.machine['cpu']}",
            *(f"{name:<9}{ms:8.2f} ms {ms / whole:6.1%} of a judged part" for name, ms in self.stages_ms.items()),
            f"overhead {self.overhead_ms_per_part:8.2f} ms a part: {', '.join(OVERHEAD)}",
            f"line     {self.parts_per_second:8.1f} parts/s, {self.pipeline_efficiency:.2f} x the bare session's "
            f"{self.session_parts_per_second:.1f} on the same batches",
            f"latency  {self.latency_p50_ms:8.1f} ms p50, {self.latency_p99_ms:.1f} ms p99 "
            f"({self.latency_p99_ms / self.latency_p50_ms:.1f} x p50), at {self.load:.0%} of the line's capacity; "
            f"{self.missed_at_load} missed",
        ]


def bench(inspector: Inspector, image: Image, frames: int) -> Report:
    """Measure with one image, again and again; `frames` parts at a time. Raises AlignError where it shows no part."""
    stages = _stages(inspector, image)
    batch = inspector.recipe.batch_size
    line_hz, session_hz, efficiency = _throughput(inspector, image, frames)
    loaded = run_line(inspector, PacedCamera([image], frames, LOAD * line_hz))
    judged = [one.latency_ms for one in loaded if one.verdict is not Verdict.MISSED]
    return Report(
        product=inspector.recipe.product,
        image_px=(image.shape[0], image.shape[1]),
        patches=inspector.grid.patches,
        batch=batch,
        pipeline_efficiency=efficiency,
        overhead_ms_per_part=sum(stages[stage] for stage in OVERHEAD),
        stages_ms=stages,
        latency_p50_ms=float(np.percentile(judged, 50)),
        latency_p99_ms=float(np.percentile(judged, 99)),
        load=LOAD,
        missed_at_load=len(loaded) - len(judged),
        parts_per_second=line_hz,
        session_parts_per_second=session_hz,
        provider=inspector.detector.provider,
        machine=machine(),
    )


class PacedCamera:
    """Frames from memory, at `rate_hz` as a line brings them, or without a rate as fast as they are taken."""

    def __init__(self, images: Sequence[Image], count: int, rate_hz: float | None = None) -> None:
        self.live = rate_hz is not None
        self._images, self._count, self._rate_hz = images, count, rate_hz
        self._index = 0

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
        self._index += 1
        return frame

    def _wait_s(self) -> float:
        if self._rate_hz is None:
            return 0
        return max(0.0, self._started_s + self._index / self._rate_hz - time.perf_counter())


class Drawer:
    """A sink that draws rejects, as a line shows them, and keeps the verdicts."""

    def __init__(self) -> None:
        self.inspections: list[Inspection] = []

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Draw where it is a reject; keep no picture."""
        if inspection.verdict.reject:
            draw(inspection, counts)
        self.inspections.append(inspection.without_pictures())

    def close(self) -> None:
        """Nothing to release."""


def run_line(inspector: Inspector, camera: PacedCamera) -> list[Inspection]:
    """A whole run, logged, rejects drawn."""
    drawer = Drawer()
    with tempfile.TemporaryDirectory() as folder:
        Pipeline(camera, inspector, [_log(folder), drawer]).run()
    return drawer.inspections


def photo_like(height: int = 1000, width: int = 1000) -> Image:
    """Smooth shades with noise: camera images are neither flat nor white noise."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, height)[:, None, None] + np.linspace(-20, 20, width)[None, :, None]
    return np.asarray(np.clip(ramp + rng.normal(0, 4, (height, width, 3)), 0, 255), np.uint8)


def in_turn(work: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median time of each, ms; one after the other in each round, so that a machine that drifts slows them all."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, function in work.items():
            started_s = time.perf_counter()
            function()
            if turn:  # the first round warms up
                taken[name].append(1e3 * (time.perf_counter() - started_s))
    return {name: float(np.median(times)) for name, times in taken.items()}


def machine() -> dict[str, str | int]:
    """What it was measured on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "onnxruntime": runtime_version(),
        "line_inspector": version(),
    }


def _stages(inspector: Inspector, image: Image) -> dict[str, float]:
    info, grid, size = inspector.detector.info, inspector.grid, image.shape[:2]
    patches = inspector.patches(image)
    inspection = inspector.inspect([Frame(0, time.monotonic_ns(), image)])[0]
    maps = inspector.detector(patches)
    highlighter = ColourHighlighter(inspector.detector.gamut, info.colour_tolerance)
    fixture, view = info.fixture, image
    work: dict[str, Callable[[], object]] = {}
    if fixture:
        view = fixture.crop(image, fixture.matrix(image))
        work["align"] = lambda: fixture.crop(image, fixture.matrix(image))
    work["tiling"] = functools.partial(grid.split, view, info.patch_shape)
    work["session"] = lambda: inspector.detector(patches)
    work["judge"] = lambda: (judge.part_score(judge.patch_scores(maps)), grid.merge(maps, *size))
    work["overlay"] = lambda: draw(inspection, Counts())
    work["colour"] = lambda: highlighter.paint(image)
    with tempfile.TemporaryDirectory() as folder:
        log = _log(folder)
        work["log"] = lambda: log.write(inspection, Counts())
        stages = in_turn(work)
        log.close()
    return stages


def _throughput(inspector: Inspector, image: Image, frames: int) -> tuple[float, float, float]:
    """Parts a second of the line and of the bare session, and their ratio: medians of some turns."""
    batch = inspector.recipe.batch_size
    patches = np.concatenate([inspector.patches(image)] * batch)
    line, session = [], []
    for _ in range(TURNS):
        session.append(_rate_hz(lambda: [inspector.detector(patches) for _ in range(-(-frames // batch))], frames))
        line.append(_rate_hz(lambda: run_line(inspector, PacedCamera([image], frames)), frames))
    return float(np.median(line)), float(np.median(session)), float(np.median(np.divide(line, session)))


def _rate_hz(work: Callable[[], object], count: int) -> float:
    started_s = time.perf_counter()
    work()
    return count / (time.perf_counter() - started_s)


def _log(folder: str) -> LogSink:
    return LogSink(Path(folder), lambda: datetime.now(timezone.utc))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
