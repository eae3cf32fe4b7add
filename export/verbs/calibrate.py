"""`calibrate`: set a product's threshold, from good parts or by hand."""

from __future__ import annotations

import argparse
import math
from fractions import Fraction
from pathlib import Path

from export.dataset import all_unreadable_named, good_images
from export.evaluate.evaluation import score_images
from export.learn import calibration
from export.learn.drift import Drift
from inspector.cli import add_folders
from inspector.detector import Detector
from inspector.errors import ModelError
from inspector.inspection import Inspector
from inspector.model_info import file_hash
from inspector.recipe import load_recipe, recipe_path, update_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument("--product", required=True)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="good parts; those the model learned from count with the score they had when they were held out "
        "(default: the model's own held-out scores)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--false-rejects", type=share, metavar="SHARE", help="budget, as 0.01 or 5/1000 (default: the recipe's)"
    )
    how.add_argument("--threshold", type=positive, metavar="X", help="set the threshold by hand")
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Find the threshold and write it into the recipe, together with the model it belongs to."""
    recipe = load_recipe(arguments.config_dir, arguments.product)
    # The recipe's own threshold plays no part here, and may belong to a model that is gone.
    recipe = recipe.model_copy(update={"threshold": "auto", "threshold_model": None})
    inspector = Inspector(recipe, Detector(arguments.model_dir / recipe.model_file))
    changes: dict[str, str | float | None] = {"threshold_model": inspector.detector.model_hash}
    if arguments.threshold:
        changes["threshold"] = arguments.threshold
        said = "set by hand"
    else:
        wanted = None if recipe.false_rejects == "auto" else recipe.false_rejects
        known, new = _scores(inspector, arguments.data)
        info = inspector.detector.info
        drift = Drift(list(info.held_out.values()), new, info.threshold, info.false_rejects)
        found = calibration.threshold(known + new, arguments.false_rejects or wanted)
        changes |= {"threshold": found.value, "false_rejects": found.budget}
        said = found.words
        print(*drift.words, sep="\n", end="\n" if drift.words else "")
    update_recipe(arguments.config_dir, recipe.product, **changes)
    print(f"threshold {changes['threshold']:.4g}: {said}")
    print(f"wrote {recipe_path(arguments.config_dir, recipe.product)}")
    return 0


def _scores(inspector: Inspector, data: Path | None) -> tuple[list[float], list[float]]:
    """Return scores of good parts held out in training, and of others; none by a model that learned from that part."""
    info = inspector.detector.info
    if data is None:
        return list(info.held_out.values()), []
    images = good_images(data)
    hashes = [file_hash(path) for path in images]
    new = [path for path, digest in zip(images, hashes, strict=True) if digest not in info.learned_from]
    known = [info.held_out[digest] for digest in hashes if digest in info.held_out]
    with all_unreadable_named(images):
        scores = score_images(inspector, new)
    if not known + scores:
        raise ModelError(
            f"{data}: {info.product}.onnx has learned from all of these images, so they say nothing about new parts: "
            "give images of other good parts"
        )
    return known, scores


def share(text: str) -> float:
    """Return a share between 0 and 1, written 0.01, 1% or 5/1000."""
    try:
        number = Fraction(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"wants a share like 0.01, 1% or 5/1000, got {text!r}") from None
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"wants a share between 0 and 1, got {text!r}")
    return float(number)


def positive(text: str) -> float:
    """Return a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"wants a number above 0, got {text!r}")
    return number
