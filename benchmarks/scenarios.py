"""What a line may meet, measured: other frame sizes and grids, several cameras, a changeover under load, a long run.

    python -m benchmarks.scenarios --product P --image FILE [--only sizes|cameras|changeover|memory] [--frames 100000]

`cameras`, `changeover` use the product's model; `sizes` needs none; `memory` makes a tiny one.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from export.learn.front import DETAIL
from export.learn.learners import usual_side
from export.learn.onnx_file import export
from inspector.background import REST
from inspector.bench import LOAD, in_turn
from inspector.cli import add_folders
from inspector.colour import ColourHighlighter, Gamut
from inspector.detector import Detector
from inspector.grid import Grid
from inspector.images import read_image
from inspector.inspection import Inspector, load_inspector
from inspector.model_info import ModelInfo
from inspector.pipeline import Pipeline
from inspector.recipe import ColourSettings, Recipe
from inspector.records import Counts, Image, Inspection
from inspector.rehearsal import PacedCamera, Run, Told, log_into, photo_like, run_line, run_of
from inspector.shared import SharedModels

FRAMES = 240
TURNS = 7
CAMERAS = (1, 2, 4)
CHANGES = 6
CHANGE_TURNS = 4
SIZES = ((480, 640), (1000, 1000), (2048, 2448), (3648, 5472))  # 0.3, 1, 5 and 20 megapixels
GRIDS = ("1x1", "2x2", "4x4", "8x8", "16x16")


def sizes(arguments: argparse.Namespace) -> None:
    """Tiling per megapixel, into the patches of the feature model; and the colours, which do not depend on the grid."""
    highlighter = ColourHighlighter(Gamut.of([photo_like(200, 200)]), 8)
    print(f"ms per megapixel   {'colours':>8} " + " ".join(f"{grid:>7}" for grid in GRIDS))
    for height, width in SIZES:
        image, megapixels = photo_like(height, width), height * width / 1e6
        work = {grid: functools.partial(Grid.parse(grid).split, image, _patch(grid, image)) for grid in GRIDS}
        taken = in_turn({"colours": functools.partial(highlighter.strange, image)} | work, rounds=7)
        times = " ".join(f"{taken[grid] / megapixels:7.2f}" for grid in GRIDS)
        print(f"{width:>5} x {height:<10} {taken['colours'] / megapixels:8.2f} {times}")


def _patch(grid: str, image: Image) -> tuple[int, int]:
    """Height and width of the feature model's patches, by default."""
    side = DETAIL * usual_side(Grid.parse(grid), image.shape)
    return side, side


def cameras(arguments: argparse.Namespace) -> None:
    """Parts a second, and processor time a part, of 1, 2 and 4 lines that share one model; in turn, some times."""
    image = read_image(arguments.image)
    models = SharedModels()
    lines = [_load(arguments, models) for _ in range(max(CAMERAS))]
    hz: dict[int, list[float]] = {count: [] for count in CAMERAS}
    cpu_ms: dict[int, list[float]] = {count: [] for count in CAMERAS}
    for turn in range(TURNS + 1):
        for count in CAMERAS:
            cpu_s = time.process_time()
            together_hz = _together_hz(lines[:count], image, FRAMES // count)
            if turn:  # the first one warms up
                hz[count].append(together_hz)
                cpu_ms[count].append(1e3 * (time.process_time() - cpu_s) / FRAMES)
    for count in CAMERAS:
        print(
            f"{count} cameras: {np.median(hz[count]):6.1f} parts/s together, "
            f"{np.median(np.divide(hz[count], hz[1])):.2f} x one camera; processor time {np.median(cpu_ms[count]):.2f} "
            f"ms a part, {np.median(np.divide(cpu_ms[count], cpu_ms[1])):.2f} x"
        )


def changeover(arguments: argparse.Namespace) -> None:
    """Load the product again and again, a session each time, while frames come at 80 % of what the line can do; in turn
    with a line that changes nothing.
    """
    image, inspector = read_image(arguments.image), _load(arguments, Detector)
    capacity_hz = np.median([run_line(inspector, PacedCamera([image], FRAMES)).rate_hz for _ in range(5)])
    period_ms = 1e3 / (LOAD * float(capacity_hz))
    print(f"{capacity_hz:.1f} parts/s at most; at {LOAD:.0%} of it, a part every {period_ms:.1f} ms:")
    runs: dict[int, list[Run]] = {0: [], CHANGES: []}
    for changes in list(runs) * CHANGE_TURNS:
        camera, told = PacedCamera([image], (CHANGES + 1) * FRAMES, 1e3 / period_ms), _ChangesEvery(FRAMES, changes)
        line = Pipeline(camera, inspector, [], [told], load=lambda product: _load(arguments, Detector, REST))
        told.change = functools.partial(line.change_product, arguments.product)
        line.run()
        runs[changes].append(run_of(camera, told))
    usual_ms = float(np.median(np.concatenate([run.latencies_ms for run in runs[0]])))
    for changes, done in runs.items():
        times = [run.latencies_ms for run in done]
        latest = [each[start : start + FRAMES].max() for each in times for start in range(FRAMES, len(each), FRAMES)]
        after = (np.sort(latest) - usual_ms) / period_ms
        p50, p99 = np.percentile(np.concatenate(times), [50, 99])
        print(f"{changes} changeovers: {sum(run.missed for run in done)} missed; p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        print(f"  the latest of every {FRAMES} parts, periods after the usual {usual_ms:.1f} ms: ", end="")
        print(f"{np.sum(after <= 2)} of {len(after)} at most 2; {' '.join(f'{periods:.1f}' for periods in after)}")


class _ChangesEvery(Told):
    """Asks for a changeover after every `count` verdicts, `changes` times."""

    def __init__(self, count: int, changes: int) -> None:
        super().__init__()
        self._at = {count * number for number in range(1, changes + 1)}
        self.change: Callable[[], None] = lambda: None

    def apply(self, inspection: Inspection) -> None:
        super().apply(inspection)
        if len(self.told_ns) in self._at:
            self.change()


def memory(arguments: argparse.Namespace) -> None:
    """Resident memory of this process over a long run of small frames, logged."""
    with tempfile.TemporaryDirectory() as folder:
        inspector = tiny_model(Path(folder) / "tiny.onnx")
        watch = _Memory(arguments.frames // 10)
        images: list[Image] = [np.full((64, 64, 3), 40, np.uint8)]
        Pipeline(PacedCamera(images, arguments.frames), inspector, [log_into(folder), watch]).run()
    print("MB resident:", " ".join(f"{size:.1f}" for size in watch.sizes))
    print(f"growth over the last nine tenths: {watch.sizes[-1] - watch.sizes[0]:.1f} MB")


class _Memory:
    def __init__(self, every: int) -> None:
        self._every = every
        self.sizes: list[float] = []

    def write(self, inspection: Inspection, counts: Counts) -> None:
        if counts.captured % self._every == 0:
            fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.sizes.append(int(fields["VmRSS"].split()[0]) / 1e3)

    def close(self) -> None: ...


class _Brightness(torch.nn.Module):
    def forward(self, patches: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        maps = patches.float().mean(3)[:, ::4, ::4] / 255
        return maps, maps.amax((1, 2)), patches[wanted][:, None].repeat(1, 2, 1, 1, 1)


def tiny_model(path: Path) -> Inspector:
    """A model whose score is the brightness of a part's brightest spot, 0 to 1, written to `path`."""
    info = ModelInfo(
        product="tiny", kind="pixel", grid="1x1", overlap=0, patch_shape=(32, 32), threshold=1, false_rejects=0.01,
        guaranteed=True, held_out={}, colour_tolerance=8, enhanced=False, learned_from=frozenset(), images=1,
        patches=1, training_set="", seed=0, versions={},
    )  # fmt: skip
    export(_Brightness(), info, Gamut.of([]), path)
    return Inspector(Recipe(product="tiny", colour=ColourSettings(enhance="none")), Detector(path))


def _load(arguments: argparse.Namespace, load_model, rest: float = 0.0) -> Inspector:  # type: ignore[no-untyped-def]
    folders = arguments.config_dir, arguments.model_dir
    return load_inspector(arguments.product, *folders, load_model=load_model, rest=rest)


def _together_hz(lines: Sequence[Inspector], image: Image, frames: int) -> float:
    """Parts a second of lines that start at the same time."""
    with ThreadPoolExecutor(len(lines)) as threads:
        runs = list(threads.map(lambda line: run_line(line, PacedCamera([image], frames)), lines))
    return len(lines) * frames / max(run.seconds for run in runs)


SCENARIOS = {"sizes": sizes, "cameras": cameras, "changeover": changeover, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--product", required=True)
    parser.add_argument("--image", type=Path, required=True, metavar="FILE", help="a good part")
    parser.add_argument("--only", choices=SCENARIOS)
    parser.add_argument("--frames", type=int, default=100_000, help="of the long run")
    add_folders(parser)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else SCENARIOS:
        print(f"-- {name}")
        SCENARIOS[name](arguments)


if __name__ == "__main__":
    main()
