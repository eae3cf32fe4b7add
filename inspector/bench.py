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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspector.bare import BareRun, arrangements, best_of, run_bare
from inspector.cli import version
from inspector.colour import ColourHighlighter
from inspector.cores import cores
from inspector.detector import runtime_version
from inspector.inspection import Inspector, part_score, patch_scores
from inspector.metering import UNNAMED
from inspector.overlay.picture import draw
from inspector.preparation import Preparation, View
from inspector.records import AnomalyMap, Boxes, Counts, Frame, Image, Prediction
from inspector.rehearsal import PacedCamera, Run, log_into, run_line

ROUNDS = 30  # of the stages
TURNS = 15  # of bare session and line: short ones, so that both meet the same disturbances
PACED = 5  # times as many frames at the pace of a line: the 99th percentile is of the rare ones
LOAD = 0.8  # of the line's capacity: what a line is planned for
ON_DEMAND = ("overlay", "colour")  # stages of a part whose picture is wanted, mostly a reject's


@dataclass(frozen=True)
class Report:
    """What was measured. Ratios compare things measured in turn in the same run."""

    product: str
    image_px: tuple[int, int]  # height, width
    patches: int  # per part
    batch: int  # parts
    verdict: str  # on the image
    bare_parts_per_second: Mapping[str, float]  # of nothing but the model, by arrangement
    best_bare: str  # the fastest of these: what the line is compared with
    pipeline_efficiency: float  # parts a second of the whole line, over those of the best bare arrangement; median
    pipeline_efficiency_middle: tuple[float, float]  # the middle half of the turns
    cpu_efficiency: (
        float  # processor time a part of the best bare arrangement, over the line's: other programs matter less
    )
    drawn_efficiency: float  # `pipeline_efficiency` of a line that draws every part
    cpu_ms: Mapping[str, float]  # processor time a part of the line, by stage and thread
    cpu_ms_per_part: float  # all of it
    bare_cpu_ms_per_part: float
    overhead_ms_per_part: float  # processor time of the line outside the session
    stages_ms: Mapping[str, float]  # each by itself: median for one part, elapsed
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
        height, width = self.image_px
        low, high = self.pipeline_efficiency_middle
        return [
            f"{self.product}: {width}x{height} px, {self.patches} patches a part, batches of {self.batch} parts, "
            f"{self.provider} on {self.machine['cores']} cores of {self.machine['cpu']}; the image: {self.verdict}",
            "each stage by itself, elapsed:",
            *(f"  {name:<24}{ms:8.2f} ms{_when(name)}" for name, ms in self.stages_ms.items()),
            f"processor time a part of the whole line, {self.cpu_ms_per_part:.2f} ms:",
            *(f"  {name:<24}{ms:8.2f} ms {ms / self.cpu_ms_per_part:6.1%}" for name, ms in self.cpu_ms.items()),
            f"overhead {self.overhead_ms_per_part:8.2f} ms of it outside the session",
            "nothing but the model, parts/s:",
            *(f"  {name:<40}{hz:8.1f}" for name, hz in self.bare_parts_per_second.items()),
            f"line     {self.parts_per_second:8.1f} parts/s, {self.pipeline_efficiency:.2f} x the best of these, "
            f"{self.session_parts_per_second:.1f} in turn with it "
            f"(the middle half of {TURNS} turns: {low:.2f} to {high:.2f})",
            f"         {self.cpu_efficiency:8.2f} x by processor time ({self.bare_cpu_ms_per_part:.2f} ms a part bare)",
            f"         {self.drawn_efficiency:8.2f} x where each part is drawn, as rejects are that are shown or saved",
            f"latency  {self.latency_p50_ms:8.1f} ms p50, {self.latency_p99_ms:.1f} ms p99 "
            f"({self.latency_p99_ms / self.latency_p50_ms:.1f} x p50), at {self.load:.0%} of the line's capacity; "
            f"{self.missed_at_load} missed",
        ]


def _when(stage: str) -> str:
    return " (where its picture is wanted)" if stage in ON_DEMAND else ""


def bench(inspector: Inspector, image: Image, frames: int) -> Report:
    """Measure with one image, again and again; `frames` parts at a time. Raises AlignError where it shows no part."""
    cv2.setNumThreads(1)  # as in a line
    stages = _stages(inspector, image)
    part = inspector.preparation.patches(image)
    candidates = arrangements(inspector.detector)
    best, bare_hz = best_of(candidates, part, max(1, frames // 4))
    turns = [
        _turn(inspector, image, functools.partial(run_bare, candidates[best], part, frames), frames)
        for _ in range(TURNS)
    ]
    line_hz, bare_best_hz, drawn_hz = (np.array(each) for each in zip(*(turn.rates_hz for turn in turns), strict=True))
    middle = np.percentile(line_hz / bare_best_hz, [25, 50, 75])
    cpu_ms = _medians([turn.line.cpu_ms for turn in turns])
    bare_cpu_ms = float(np.median([turn.bare.cpu_ms for turn in turns]))
    loaded = run_line(inspector, PacedCamera([image], PACED * frames, LOAD * float(np.median(line_hz))))
    return Report(
        product=inspector.recipe.product,
        image_px=(image.shape[0], image.shape[1]),
        patches=inspector.grid.patches,
        batch=inspector.recipe.batch_size,
        verdict=inspector.inspect([Frame(0, 0, image)])[0].verdict.value,
        bare_parts_per_second=bare_hz,
        best_bare=best,
        pipeline_efficiency=float(middle[1]),
        pipeline_efficiency_middle=(float(middle[0]), float(middle[2])),
        cpu_efficiency=float(np.median([turn.bare.cpu_ms / sum(turn.line.cpu_ms.values()) for turn in turns])),
        drawn_efficiency=float(np.median(drawn_hz / bare_best_hz)),
        cpu_ms=cpu_ms,
        cpu_ms_per_part=sum(cpu_ms.values()),
        bare_cpu_ms_per_part=bare_cpu_ms,
        overhead_ms_per_part=sum(cpu_ms.values()) - cpu_ms["session"],
        stages_ms=stages,
        latency_p50_ms=float(np.percentile(loaded.latencies_ms, 50)),
        latency_p99_ms=float(np.percentile(loaded.latencies_ms, 99)),
        load=LOAD,
        missed_at_load=loaded.missed,
        parts_per_second=float(np.median(line_hz)),
        session_parts_per_second=float(np.median(bare_best_hz)),
        provider=inspector.detector.provider,
        machine=machine(),
    )


@dataclass(frozen=True)
class _Turn:
    """The model alone, the line, and the line that draws, one after the other."""

    bare: BareRun
    line: Run
    drawn: Run

    @property
    def rates_hz(self) -> tuple[float, float, float]:
        return self.line.rate_hz, self.bare.rate_hz, self.drawn.rate_hz


def _turn(inspector: Inspector, image: Image, bare: Callable[[], BareRun], frames: int) -> _Turn:
    line = functools.partial(run_line, inspector)
    return _Turn(bare(), line(PacedCamera([image], frames)), line(PacedCamera([image], frames), draws=True))


def _medians(accounts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Medians of each entry, the largest first, what has no name last."""
    names = {name for account in accounts for name in account}
    medians = {name: float(np.median([account.get(name, 0.0) for account in accounts])) for name in names}
    return dict(sorted(medians.items(), key=lambda entry: (entry[0] == UNNAMED, -entry[1])))


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
    patches = preparation.batch([view])
    inspection = inspector.inspect([Frame(0, time.monotonic_ns(), image)])[0]
    found = inspector.detector(patches)
    highlighter = ColourHighlighter(inspector.detector.gamut, info.colour_tolerance)
    unpainted = dataclasses.replace(preparation, highlighter=None)  # painting is a stage of its own
    work: dict[str, Callable[[], object]] = {}
    if info.fixture:
        work["align"] = lambda: unpainted.view(image)
    work["tiling"] = functools.partial(preparation.batch, [view])
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


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
