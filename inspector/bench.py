"""How fast a product is judged on this machine: each stage alone, the whole line, and the line at 80 % of its capacity.

Times mean little from one machine to another, and on a shared one from one minute to the next. So everything that is
compared is measured in turn in the same run, and told as a ratio.
"""

from __future__ import annotations

import dataclasses
import functools
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.cli import version
from inspector.colour import ColourHighlighter
from inspector.cores import cores
from inspector.detector import runtime_version
from inspector.inspection import Inspector, part_score, patch_scores
from inspector.overlay.picture import draw
from inspector.pipeline import JUDGES
from inspector.preparation import Preparation, View
from inspector.records import AnomalyMap, Boxes, Counts, Frame, Image, Patches, Prediction
from inspector.rehearsal import PacedCamera, log_into, run_line

ROUNDS = 30  # of the stages
TURNS = 15  # of bare session and line: short ones, so that both meet the same disturbances
PACED = 5  # times as many frames at the pace of a line: the 99th percentile is of the rare ones
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
    pipeline_efficiency: float  # parts a second of the whole line, over those of the bare session; median of turns
    pipeline_efficiency_middle: tuple[float, float]  # the middle half of the turns
    overhead_ms_per_part: float  # resize, tiling, judge, log
    stages_ms: Mapping[str, float]  # median for one part
    latency_p50_ms: float  # at `load`, from capture until the outputs are told, in frame order
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
        low, high = self.pipeline_efficiency_middle
        return [
            f"{self.product}: {width}x{height} px, {self.patches} patches a part, batches of {self.batch} parts, "
            f"{self.provider} on {self.machine['cores']} cores of {self.machine['cpu']}",
            *(f"{name:<9}{ms:8.2f} ms {ms / whole:6.1%} of a judged part" for name, ms in self.stages_ms.items()),
            f"overhead {self.overhead_ms_per_part:8.2f} ms a part: {', '.join(OVERHEAD)}",
            f"line     {self.parts_per_second:8.1f} parts/s, {self.pipeline_efficiency:.2f} x the bare session's "
            f"{self.session_parts_per_second:.1f} on the same batches "
            f"(the middle half of {TURNS} turns: {low:.2f} to {high:.2f})",
            f"latency  {self.latency_p50_ms:8.1f} ms p50, {self.latency_p99_ms:.1f} ms p99 "
            f"({self.latency_p99_ms / self.latency_p50_ms:.1f} x p50), at {self.load:.0%} of the line's capacity; "
            f"{self.missed_at_load} missed",
        ]


def bench(inspector: Inspector, image: Image, frames: int) -> Report:
    """Measure with one image, again and again; `frames` parts at a time. Raises AlignError where it shows no part."""
    cv2.setNumThreads(1)  # as in a line
    stages = _stages(inspector, image)
    batch = inspector.recipe.batch_size
    line_hz, session_hz = _throughput(inspector, image, frames)
    middle = np.percentile(line_hz / session_hz, [25, 50, 75])
    loaded = run_line(inspector, PacedCamera([image], PACED * frames, LOAD * float(np.median(line_hz))))
    return Report(
        product=inspector.recipe.product,
        image_px=(image.shape[0], image.shape[1]),
        patches=inspector.grid.patches,
        batch=batch,
        pipeline_efficiency=float(middle[1]),
        pipeline_efficiency_middle=(float(middle[0]), float(middle[2])),
        overhead_ms_per_part=sum(stages[stage] for stage in OVERHEAD),
        stages_ms=stages,
        latency_p50_ms=float(np.percentile(loaded.latencies_ms, 50)),
        latency_p99_ms=float(np.percentile(loaded.latencies_ms, 99)),
        load=LOAD,
        missed_at_load=loaded.missed,
        parts_per_second=float(np.median(line_hz)),
        session_parts_per_second=float(np.median(session_hz)),
        provider=inspector.detector.provider,
        machine=machine(),
    )


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
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "onnxruntime": runtime_version(),
        "line_inspector": version(),
    }


def _stages(inspector: Inspector, image: Image) -> dict[str, float]:
    preparation = inspector.preparation
    info, view = inspector.detector.info, preparation.view(image)
    patches = preparation.split(view.image)
    inspection = inspector.inspect([Frame(0, time.monotonic_ns(), image)])[0]
    found = inspector.detector(patches)
    highlighter = ColourHighlighter(inspector.detector.gamut, info.colour_tolerance)
    unpainted = dataclasses.replace(preparation, highlighter=None)  # painting is a stage of its own
    work: dict[str, Callable[[], object]] = {}
    if info.fixture:
        work["align"] = lambda: unpainted.view(image)
    work["tiling"] = functools.partial(preparation.split, view.image)
    work["session"] = lambda: inspector.detector(patches)
    work["judge"] = lambda: _judged(found.relative_to(info.limits), preparation, view)
    work["overlay"] = lambda: draw(inspection, Counts())
    work["colour"] = lambda: highlighter.enhance(image)
    with tempfile.TemporaryDirectory() as folder:
        log = log_into(folder)
        work["log"] = lambda: log.write(inspection, Counts())
        stages = in_turn(work)
        log.close()
    return stages


def _judged(found: Prediction, preparation: Preparation, view: View) -> tuple[float, Boxes, AnomalyMap]:
    return part_score(patch_scores(found)), *preparation.back(view, found.maps)


def _throughput(inspector: Inspector, image: Image, frames: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parts a second of the line and of the bare session, turn by turn."""
    batches = -(-frames // inspector.recipe.batch_size)
    patches = np.concatenate([inspector.preparation.patches(image)] * inspector.recipe.batch_size)
    line, session = [], []
    for _ in range(TURNS):
        session.append(_bare_hz(inspector, patches, batches) / inspector.grid.patches)
        line.append(run_line(inspector, PacedCamera([image], batches * inspector.recipe.batch_size)).rate_hz)
    return np.array(line), np.array(session)


def _bare_hz(inspector: Inspector, patches: Patches, batches: int) -> float:
    """Patches a second of nothing but the session, asked by as many threads as the line asks it."""
    with ThreadPoolExecutor(JUDGES) as threads:
        started_s = time.perf_counter()
        list(threads.map(lambda _: inspector.detector(patches), range(batches)))
        return batches * len(patches) / (time.perf_counter() - started_s)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
