"""`calibrate`: set a product's threshold, from good parts or by hand."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.learn import calibration
from export.learn.drift import Drift
from export.verbs.good_scores import GoodScores
from inspector.agreement import rounded_up
from inspector.cli import add_folders
from inspector.detector import Detector
from inspector.inspection import Inspector
from inspector.recipe import Recipe, Region, Value, load_recipe, recipe_path, update_recipe


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
    """Find the thresholds of the part and its regions; the recipe gets them, with the model they belong to."""
    recipe = load_recipe(arguments.config_dir, arguments.product)
    # The recipe's own thresholds play no part here, and may belong to a model that is gone.
    plain = {name: Region(judge=region.judge, ignore=region.ignore) for name, region in recipe.regions.items()}
    changes: dict[str, Value] = {"threshold": "auto", "threshold_model": None, "regions": plain}
    inspector = Inspector(recipe.model_copy(update=changes), Detector(arguments.model_dir / recipe.model_file))
    model = inspector.detector.model_hash
    found = (
        _by_hand(arguments.threshold, recipe, model) if arguments.threshold else _found(arguments, recipe, inspector)
    )
    update_recipe(arguments.config_dir, recipe.product, **found.changes)
    print(*found.words, f"wrote {recipe_path(arguments.config_dir, recipe.product)}", sep="\n")
    return 0


@dataclass
class _Found:
    """What goes into the recipe, and what to tell the user."""

    changes: dict[str, Value]
    words: list[str]


def _by_hand(threshold: float, recipe: Recipe, model: str) -> _Found:
    """The part's threshold as it was given. Thresholds that regions have for this model stay."""
    stale = {name for name, region in recipe.regions.items() if region.threshold_model not in (None, model)}
    regions = {name: one.uncalibrated if name in stale else one for name, one in recipe.regions.items()}
    words = [f"threshold {threshold:.4g}: set by hand", *_stay(recipe)]
    words += [f"threshold of {name} auto: it was for another model" for name in recipe.regions if name in stale]
    return _Found({"threshold": threshold, "threshold_model": model, "regions": regions}, words)


def _found(arguments: argparse.Namespace, recipe: Recipe, inspector: Inspector) -> _Found:
    """The part's threshold from good parts, by the regions that share its budget; that of each other by its own."""
    good, info, model = GoodScores.of(inspector, arguments.data), inspector.detector.info, inspector.detector.model_hash
    shared = [name for name, region in recipe.regions.items() if region.shares_budget]
    regions, own = dict(recipe.regions), _own_thresholds(recipe, good)
    for name, each in own.items():
        value = rounded_up(each.value)
        regions[name] = recipe.regions[name].model_copy(update={"threshold": value, "threshold_model": model})
    words = [f"threshold of {name} {each.value:.4g}: {each.words}" for name, each in own.items()] + _stay(recipe)
    if recipe.regions and not shared:
        told = "threshold auto: no region shares the part's budget"
        return _Found({"threshold": "auto", "threshold_model": None, "regions": regions}, [told, *words])
    wanted = None if recipe.false_rejects == "auto" else recipe.false_rejects
    scores = good.of_part(shared)
    found = calibration.threshold(scores, arguments.false_rejects or wanted)
    whose = "" if len(shared) == len(regions) else f" of the part ({', '.join(shared)})"
    drift = Drift(list(good.held_out(shared).values()), good.new_of(shared), info.threshold, info.false_rejects)
    words = [*drift.words, f"threshold{whose} {found.value:.4g}: {found.words}", *words]
    if whose:
        words.append(_together(good, np.array(scores) > found.value, regions))
    changes: dict[str, Value] = {"threshold": found.value, "threshold_model": model, "false_rejects": found.budget}
    return _Found(changes | {"regions": regions}, words)


def _own_thresholds(recipe: Recipe, good: GoodScores) -> dict[str, calibration.Threshold]:
    """By region: the threshold that keeps its own budget."""
    return {
        name: calibration.threshold(good.of_region(name), region.false_rejects)
        for name, region in recipe.regions.items()
        if region.false_rejects != "auto"
    }


def _stay(recipe: Recipe) -> list[str]:
    return [
        f"threshold of {name} {region.threshold:.4g}: set by hand in the recipe, it stays"
        for name, region in recipe.regions.items()
        if region.set_by_hand and region.threshold != "auto"
    ]


def _together(good: GoodScores, rejected: NDArray[np.bool_], regions: Mapping[str, Region]) -> str:
    """What all regions reject of these parts, those that do not share the part's budget too."""
    for name, region in regions.items():
        if region.threshold != "auto":
            rejected = rejected | (np.array(good.of_region(name)) > region.threshold)
    return f"all regions together reject {rejected.sum()} of these {len(good)} good parts"


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
