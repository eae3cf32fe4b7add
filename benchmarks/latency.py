"""One part, frame in memory -> verdict and overlay, against the bare ONNX Runtime session on the same patch.

    python benchmarks/latency.py --product bottle [--image FILE] [--model-dir models] [--config-dir config]

Prints both medians and their ratio; the two are timed in turn, so that a drifting machine slows both.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from inspector.cli import add_folders
from inspector.images import read_image
from inspector.inspection import load_inspector
from inspector.overlay import draw
from inspector.records import Counts, Frame, Image


def main() -> None:
    """Time a part in turn: the bare session, the inspection, the inspection with its overlay."""
    arguments = _arguments()
    inspector = load_inspector(arguments.product, arguments.config_dir, arguments.model_dir)
    image = read_image(arguments.image) if arguments.image else _photo_like()
    patches = inspector.patches(image)

    def inspect_and_draw() -> None:
        draw(inspector.inspect([Frame(0, 0, image)])[0], Counts())

    work = {
        "bare session": lambda: inspector.detector(patches),
        "inspection": lambda: inspector.inspect([Frame(0, 0, image)]),
        "inspection and overlay": inspect_and_draw,
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(arguments.rounds):
        for name, function in work.items():
            started = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - started))
    base = float(np.median(times["bare session"]))
    height, width = image.shape[:2]
    print(f"{width}x{height} px, grid {inspector.grid}, {inspector.detector.provider}, {arguments.rounds} rounds")
    for name, taken in times.items():
        p50, p99 = np.percentile(taken, [50, 99])
        print(f"{name:<24}p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {p50 / base:5.2f} x the bare session")


def _photo_like() -> Image:
    """A smooth 900x900 picture with noise: camera images are neither flat nor white noise."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, 900)[:, None, None] + np.linspace(-20, 20, 900)[None, :, None]
    return np.asarray(np.clip(ramp + rng.normal(0, 4, (900, 900, 3)), 0, 255), np.uint8)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--product", required=True)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    add_folders(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
