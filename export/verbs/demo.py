"""`demo`: draw parts, learn them, run them as a line: no data, no camera, no network.

Every step is a command line of this program, shown before it runs: what the demo does, a user can repeat.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path

import export.verbs
import inspector.verbs
from export.dataset import labelled_images
from export.demo.parts import make_demo
from export.evaluate.metrics import measure
from export.verbs.evaluate import judge_all
from inspector import cli
from inspector.errors import SinkError
from inspector.inspection import load_inspector
from inspector.sinks.pictures import unused_path

PRODUCT = "demo"
FPS = 10  # a slow line: one that two CPU cores keep up with, so the latencies shown are those of single parts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument(
        "--folder", type=Path, default=Path("demo"), metavar="DIR", help="everything goes here (default: demo/)"
    )
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="same seed, same parts (default: 0)")


def execute(arguments: argparse.Namespace) -> int:
    """Draw, train, inspect, evaluate; returns 0, or the exit code of the step that failed."""
    folder: Path = arguments.folder
    parts = draw_parts(folder, arguments.seed)
    overlays = unused_path(folder / "overlays")
    product = ["--product", PRODUCT, "--model-dir", str(folder / "models"), "--config-dir", str(folder / "config")]
    line = ["--fps", str(FPS), "--log-dir", str(folder / "logs"), "--save-overlays", str(overlays)]
    steps = (
        ["train", *product, "--data", str(parts), "--seed", str(arguments.seed)],
        ["run", *product, "--source", str(parts / "test"), *line, "--keep-pass-every", "4"],
    )
    for step in steps:
        print(f"\n$ line-inspector {shlex.join(step)}", flush=True)
        if code := cli.main((*export.verbs.VERBS, *inspector.verbs.VERBS), step):
            return code
    print("", *_closing(folder, parts, overlays), sep="\n")
    return 0


def draw_parts(folder: Path, seed: int) -> Path:
    """Return the folder of the demo's parts: an earlier demo's, or drawn now. It appears whole or not at all."""
    parts = folder / f"parts-{seed}"
    if parts.is_dir():
        print(f"parts of an earlier demo: {parts}")
        return parts
    half_done = folder / f".parts-{seed}.part"
    print(f"drawing parts: {parts}", flush=True)
    try:
        if half_done.exists():  # of a demo that was stopped
            shutil.rmtree(half_done)
        make_demo(half_done, seed)
        half_done.replace(parts)
    except OSError as error:
        raise SinkError(f"{folder}: cannot keep the demo here ({error.strerror}): name another --folder") from error
    return parts


def _closing(folder: Path, parts: Path, overlays: Path) -> list[str]:
    """Say what came out, where it lies, and what to do next."""
    inspector = load_inspector(PRODUCT, folder / "config", folder / "models")
    metrics = measure(judge_all(inspector, labelled_images(parts)))
    good = metrics.images - metrics.anomalies
    return [
        f"{metrics.anomalies} defective and {good} good parts that the model had never seen:",
        f"image AUROC {metrics.image_auroc:.3f}   F1 {metrics.f1:.3f}   "
        f"defects rejected {metrics.recall:.0%}   good parts rejected {metrics.false_reject_rate:.0%}",
        f"look at {overlays}/ (every reject, some passes) and at the log in {folder / 'logs'}/",
        "next: line-inspector train --product NAME --data FOLDER_OF_GOOD_IMAGES",
    ]
