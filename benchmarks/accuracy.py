"""Accuracy, speed and size of products over several seeds, by the very verbs that a user calls.

    python benchmarks/accuracy.py DIR... [--seeds 0 1 2] [--json] [-- OPTIONS OF train]

Each DIR is a product in MVTec AD's layout. It is trained and evaluated once per seed; the table gives mean ± standard
deviation. "x backbone" is the time of the whole model over that of the frozen backbone alone, in ONNX Runtime on the
same patches, in turn, in sessions as a line's judge has them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from export.dataset import labelled_images
from export.learn.backbone import PatchBackbone
from export.learn.whole import DETAIL
from inspector.detector import session_threads
from inspector.images import read_image
from inspector.inspection import load_inspector
from inspector.pipeline import JUDGES
from inspector.records import Frame, Patches
from run_inspector import main as line_inspector

Figures = dict[str, float]
COLUMNS = {  # key: heading, decimals
    "image_auroc": ("image AUROC", 4),
    "pixel_auroc": ("pixel AUROC", 4),
    "au_pro": ("AU-PRO", 4),
    "f1": ("F1", 3),
    "best_f1": ("best F1", 3),
    "false_reject_rate": ("false rejects", 4),
    "false_reject_budget": ("budget", 4),
    "ms_per_part": ("ms per part", 1),
    "backbone_ratio": ("x backbone", 2),
    "model_mb": ("MB", 1),
    "train_seconds": ("training s", 0),
}


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
    return {key: float(value) for key in COLUMNS if (value := (found | times).get(key)) is not None}


def latencies_ms(home: Path, image: Patches, rounds: int) -> tuple[float, float, float]:
    """Medians of a part in memory to its verdict, the model alone, and the backbone alone, taken in turn."""
    inspector = load_inspector("measured", home / "config", home / "models", judges=JUDGES)
    patches = inspector.patches(image)
    small = np.ascontiguousarray(patches[:, ::DETAIL, ::DETAIL])  # as large as the backbone sees them
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


def table(measured: dict[str, list[Figures]]) -> str:
    """Markdown: one row per product, mean ± deviation over its seeds."""
    headings = ["product", *(heading for heading, _ in COLUMNS.values())]
    rows = [[name, *(cell(key, runs) for key in COLUMNS)] for name, runs in measured.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, ["---"] * len(headings), *rows))


def cell(key: str, runs: Sequence[Figures]) -> str:
    values, decimals = [run[key] for run in runs if key in run], COLUMNS[key][1]
    if not values:
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{decimals}f}{deviation}"


def main() -> None:
    """Measure each product with each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rounds", type=int, default=40, help="timed parts (default: 40)")
    parser.add_argument("--json", action="store_true", help="print every run's figures as JSON instead of the table")
    own = sys.argv[1:]
    options = own[own.index("--") + 1 :] if "--" in own else []
    arguments = parser.parse_args(own[: own.index("--")] if "--" in own else own)
    measured: dict[str, list[Figures]] = {}
    for data in arguments.data:
        for seed in arguments.seeds:
            measured.setdefault(str(data), []).append(measure(data, seed, options, arguments.rounds))
    if arguments.json:
        print(json.dumps({name: dict(zip(arguments.seeds, runs, strict=True)) for name, runs in measured.items()}))
    else:
        print(table(measured))


if __name__ == "__main__":
    main()
