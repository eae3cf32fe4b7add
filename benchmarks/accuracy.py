"""Accuracy, speed and size of products over several seeds, by the very verbs that a user calls.

    python benchmarks/accuracy.py [DIR...] [--seeds 0 1 2] [--json] [-- OPTIONS OF train]

Each DIR is a product in MVTec AD's layout; without any, all products of the folder of real images are taken:
$LINE_INSPECTOR_DATA, else ../shared/data beside the project, mvtec/* and more/*. Each is trained and evaluated once per
seed; its row is printed as soon as it is measured, and gives mean ± standard deviation. The last rows are the mean and
the worst of the products, and the line below says whether false rejects keep the budget. "x backbone" is the time of
the whole model over that of EfficientNet-Lite0 alone at 256 px, up to the last level that is looked at, in ONNX Runtime
on the same patches, in turn, in sessions as a line's judge has them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import torch
from scipy.stats import binomtest

from export.dataset import labelled_images
from export.learn.backbone import PatchBackbone
from inspector.detector import session_threads
from inspector.images import read_image
from inspector.inspection import load_inspector
from inspector.pipeline import JUDGES
from inspector.records import Frame, Patches
from run_inspector import main as line_inspector

ROOT = Path(__file__).parent.parent
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of the table."""

    heading: str
    decimals: int
    worst: Callable[[Sequence[float]], float] = min


COLUMNS = {
    "image_auroc": Column("image AUROC", 4),
    "pixel_auroc": Column("pixel AUROC", 4),
    "au_pro": Column("AU-PRO", 4),
    "recall": Column("recall", 3),
    "f1": Column("F1", 3),
    "best_f1": Column("best F1", 3),
    "f1_reached": Column("F1 / best F1", 3),
    "false_reject_rate": Column("false rejects", 4, max),
    "false_reject_budget": Column("budget", 4, max),
    "ms_per_part": Column("ms per part", 1, max),
    "backbone_ratio": Column("x backbone", 2, max),
    "model_mb": Column("MB", 1, max),
    "train_seconds": Column("training s", 0, max),
}
EXCEEDED = 0.05  # a chance smaller than this says that the budget is not kept
COUNTS = ("images", "anomalies")  # what is measured beside the table


def verb(*words: object) -> dict[str, float]:
    """What a verb with --json prints. Ends the program where the verb fails: its error line is on stderr."""
    sys.argv = ["line-inspector", *map(str, words), "--json"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = line_inspector()
    if code:
        sys.exit(code)
    result: dict[str, float] = json.loads(out.getvalue())
    return result


def measure(data: Path, seed: int, options: Sequence[str], rounds: int) -> Figures:
    """One training and one evaluation; nan where a figure does not exist."""
    with tempfile.TemporaryDirectory() as home:
        place = ("--model-dir", Path(home, "models"), "--config-dir", Path(home, "config"))
        about = ("--product", "measured", "--data", data, *place)
        trained = verb("train", *about, "--seed", seed, *options)
        found = verb("evaluate", *about)
        part_ms, model_ms, backbone_ms = latencies_ms(Path(home), read_image(labelled_images(data)[0].path), rounds)
    times = {"ms_per_part": part_ms, "backbone_ratio": model_ms / backbone_ms, "train_seconds": trained["seconds"]}
    best = found["best_f1"]
    all_of_them = found | times | ({"f1_reached": found["f1"] / best} if best else {})
    return {key: float(value) for key in (*COLUMNS, *COUNTS) if (value := all_of_them.get(key)) is not None}


def latencies_ms(home: Path, image: Patches, rounds: int) -> tuple[float, float, float]:
    """Medians of a part in memory to its verdict, the model alone, and the backbone alone, taken in turn."""
    inspector = load_inspector("measured", home / "config", home / "models", judges=JUDGES)
    patches = inspector.preparation.patches(image)
    small = at_256_px(patches)
    session = bare_backbone(small)
    work: tuple[Callable[[], object], ...] = (
        lambda: inspector.inspect([Frame(0, 0, image)]),
        lambda: inspector.detector(patches),
        lambda: session.run(None, {session.get_inputs()[0].name: small}),
    )
    times: list[list[float]] = [[] for _ in work]
    for _ in range(rounds):
        for taken, function in zip(times, work, strict=True):
            started = time.perf_counter()
            function()
            taken.append(1e3 * (time.perf_counter() - started))
    part, model, backbone = (float(np.median(taken)) for taken in times)
    return part, model, backbone


def at_256_px(patches: Patches) -> Patches:
    """In as many pixels as 256 x 256, about, and the same proportions."""
    height, width = patches.shape[1:3]
    scale = 256 / np.sqrt(height * width)
    size = tuple(32 * max(1, round(side * scale / 32)) for side in (width, height))
    return np.stack([cv2.resize(patch, size, interpolation=cv2.INTER_AREA) for patch in patches])


def bare_backbone(patches: Patches) -> ort.InferenceSession:
    """The frozen feature extractor without anything around it, for patches of this very shape."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(PatchBackbone(), (torch.from_numpy(patches),), dynamo=True, verbose=False)
    assert program is not None
    data = program.model_proto.SerializeToString()
    options = ort.SessionOptions()
    options.intra_op_num_threads = session_threads(JUDGES)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: patches})  # plans its memory
    return session


def products() -> list[Path]:
    """Every product of the folder of real images; says on stderr what is not there."""
    folder = Path(os.environ.get("LINE_INSPECTOR_DATA", ROOT.parent / "shared" / "data"))
    places = [folder / name for name in ("mvtec", "more")]
    for place in places:
        if not place.is_dir():
            print(f"skipped: {place} does not exist (set LINE_INSPECTOR_DATA, or give folders)", file=sys.stderr)
    return sorted(test.parent for place in places for test in place.glob("*/test"))


def line(cells: Iterable[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def header() -> str:
    headings = ["product", *(column.heading for column in COLUMNS.values())]
    return f"{line(headings)}\n{line(['---'] * len(headings))}"


def row(name: str, runs: Sequence[Figures]) -> str:
    """One product, mean ± deviation over its seeds."""
    return line([name, *(cell(key, [run[key] for run in runs if key in run]) for key in COLUMNS)])


def cell(key: str, values: Sequence[float]) -> str:
    decimals = COLUMNS[key].decimals
    if not values:
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{decimals}f}{deviation}"


def summary(measured: Mapping[str, Sequence[Figures]]) -> str:
    """The last rows: mean and worst of the products, each of them the mean over its seeds."""
    means = {
        key: [float(np.mean(found)) for runs in measured.values() if (found := [r[key] for r in runs if key in r])]
        for key in COLUMNS
    }
    mean = line(["mean", *(cell(key, [float(np.mean(values))] if values else []) for key, values in means.items())])
    return f"{mean}\n{line(['worst', *(cell(k, [COLUMNS[k].worst(v)] if v else []) for k, v in means.items())])}"


def budget_kept(measured: Mapping[str, Sequence[Figures]], seeds: Sequence[int]) -> str:
    """Whether the good test parts of all products were rejected more often than their budgets allow.

    An exact binomial test for each seed, for the seeds share their test parts. Budgets that differ are taken by their
    mean over the parts, with which the test is a little too lenient rather than too strict.
    """
    said = []
    for number, seed in enumerate(seeds):
        runs = [found[number] for found in measured.values()]
        good = [round(run["images"] - run["anomalies"]) for run in runs]
        rejected = sum(round(run["false_reject_rate"] * count) for run, count in zip(runs, good, strict=True))
        allowed = sum(run["false_reject_budget"] * count for run, count in zip(runs, good, strict=True)) / sum(good)
        test = binomtest(rejected, sum(good), allowed, alternative="greater")
        verdict = "more than the budget" if test.pvalue < EXCEEDED else "within the budget"
        said.append(f"seed {seed}: {rejected} of {sum(good)} for {allowed:.2%} (p = {test.pvalue:.3f}), {verdict}")
    return f"false rejects over all products, exact binomial test: {'; '.join(said)}"


def main() -> None:
    """Measure each product with each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="*", metavar="DIR", help="default: all real products")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=40, help="timed parts (default: 40)")
    parser.add_argument("--json", action="store_true", help="print every run's figures as JSON instead of the table")
    own = sys.argv[1:]
    options = own[own.index("--") + 1 :] if "--" in own else []
    arguments = parser.parse_args(own[: own.index("--")] if "--" in own else own)
    said = sys.stderr if arguments.json else sys.stdout
    measured: dict[str, list[Figures]] = {}
    print(header(), file=said, flush=True)
    for data in arguments.data or products():
        name = str(data) if arguments.data else data.name
        measured[name] = [measure(data, seed, options, arguments.rounds) for seed in arguments.seeds]
        print(row(name, measured[name]), file=said, flush=True)
    if arguments.json:
        print(json.dumps({name: dict(zip(arguments.seeds, runs, strict=True)) for name, runs in measured.items()}))
    elif measured:
        print(summary(measured), budget_kept(measured, arguments.seeds), sep="\n")


if __name__ == "__main__":
    main()
