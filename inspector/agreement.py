"""Whether a recipe and a model fit together, and the thresholds that follow from both."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from inspector.errors import ModelError, RecipeError
from inspector.model_info import BEYOND, ModelInfo, RegionInfo
from inspector.recipe import Recipe, Region
from inspector.roi import same_roi
from inspector.text import number, told_apart

LEAST = 1e-6  # a threshold is above 0, also where good parts score nothing at all


def threshold_of(recipe: Recipe, info: ModelInfo, model_hash: str) -> float:
    """Return the part's threshold. Raises RecipeError or ModelError where recipe and model do not fit."""
    _check_product(recipe, info)
    _check_regions(recipe, info)
    _check_grid(recipe, info)
    _check_align(recipe, info)
    _check_roi(recipe, info)
    if recipe.threshold == "auto":
        if (recipe.colour.enhance == "model") != info.enhanced:
            wanted = "with" if info.enhanced else "without"
            raise RecipeError(
                f"{recipe.product}.yaml: the model's threshold is for images {wanted} enhanced colours: "
                f"train again with --enhance {recipe.colour.enhance}, or set colour.enhance back"
            )
        return info.threshold
    if recipe.threshold_model not in (None, model_hash):
        raise RecipeError(
            f"{recipe.product}.yaml: threshold was set for model {recipe.threshold_model}, but the model is "
            f"{model_hash}: run `calibrate` again, or write threshold: auto"
        )
    if recipe.threshold > info.beyond:
        threshold, beyond = told_apart(recipe.threshold, info.beyond)
        raise RecipeError(
            f"{recipe.product}.yaml: threshold is {threshold}, so high that nothing would fail (good parts score "
            f"{number(info.strangest)} at most, and {beyond} is the limit): run `calibrate`"
        )
    return recipe.threshold


def _check_product(recipe: Recipe, info: ModelInfo) -> None:
    if recipe.product != info.product:
        raise ModelError(
            f"{recipe.product}: {recipe.model_file} was trained for product {info.product}: "
            "give the recipe its own model, or train it"
        )


def _check_align(recipe: Recipe, info: ModelInfo) -> None:
    has = info.fixture.by if info.fixture else "none"
    if recipe.align not in ("auto", has):
        raise ModelError(
            f"{recipe.product}: the recipe says align: {recipe.align}, but the model was trained with {has}: "
            "change the recipe or train again"
        )


def _check_roi(recipe: Recipe, info: ModelInfo) -> None:
    if not same_roi(recipe.roi, info.roi):
        has, wanted = (f"roi {roi.hash}" if roi else "none" for roi in (recipe.roi, info.roi))
        raise RecipeError(
            f"{recipe.product}.yaml: roi is not the one that the model was trained with (the recipe has {has}, "
            f"the model {wanted}): train again, or put it back"
        )


def _check_grid(recipe: Recipe, info: ModelInfo) -> None:
    if recipe.layout not in (None, info.layout):
        raise ModelError(
            f"{recipe.product}: the recipe says grid {recipe.grid}, overlap {recipe.overlap:g}, but the model was "
            f"trained for grid {info.grid}, overlap {info.overlap:g}: change the recipe or train again"
        )


def _check_regions(recipe: Recipe, info: ModelInfo) -> None:
    has, wanted = list(recipe.regions), [region.name for region in info.regions]
    again = "train again, or put them back"
    if sorted(has) != sorted(wanted):
        raise RecipeError(
            f"{recipe.product}.yaml: regions are not those that the model was trained with (the recipe has "
            f"{', '.join(has) or 'none'}, the model {', '.join(wanted) or 'none'}): {again}"
        )
    for region in info.regions:
        if not same_roi(recipe.regions[region.name].area, region.roi):
            raise RecipeError(
                f"{recipe.product}.yaml: regions.{region.name}: its polygons are not those that the model was trained "
                f"with: {again}"
            )


def limits_of(recipe: Recipe, info: ModelInfo, model_hash: str, threshold: float) -> NDArray[np.float32]:
    """Return what the score of each patch is divided by, (n). Raises RecipeError for a region's own that is not to be.

    That of a region with a threshold of its own makes the part's score reach `threshold` exactly there.
    """
    limits = info.limits
    for index, region in enumerate(info.regions):
        wanted = recipe.regions[region.name]
        if wanted.threshold != "auto":
            _check_its_model(recipe, region.name, wanted, model_hash)
            _check_reachable(recipe, region, wanted.threshold * limits[index])
            limits[index] = rounded_up(wanted.threshold * limits[index] / threshold)
        elif wanted.false_rejects != "auto":
            limits[index] = rounded_up(_conformal(recipe, wanted.false_rejects, region) / threshold)
    return limits


def held_out_of(recipe: Recipe, info: ModelInfo, limits: NDArray[np.float32]) -> dict[str, float]:
    """Return scores of good parts that were held out in training, by their images' hashes, in units of these limits."""
    if all(region.shares_budget for region in recipe.regions.values()):
        return dict(info.held_out)
    return {
        part: max(region.held_out[part] / float(limit) for region, limit in zip(info.regions, limits, strict=True))
        for part in info.held_out
    }


def rounded_up(limit: float) -> float:
    """Round so that the very score it was taken from does not exceed it: the line's are of single precision."""
    return float(np.nextafter(np.float32(limit), np.float32(np.inf)))


def _check_its_model(recipe: Recipe, name: str, region: Region, model_hash: str) -> None:
    if region.threshold_model not in (None, model_hash):
        raise RecipeError(
            f"{recipe.product}.yaml: regions.{name}.threshold was set for model {region.threshold_model}, but the "
            f"model is {model_hash}: run `calibrate` again, or write threshold: auto and leave out threshold_model"
        )


def _check_reachable(recipe: Recipe, region: RegionInfo, threshold: float) -> None:
    strangest = max(region.held_out.values(), default=0.0)
    if threshold > BEYOND * (1 + strangest):
        raise RecipeError(
            f"{recipe.product}.yaml: regions.{region.name}.threshold: so high that nothing would fail there"
        )


def _conformal(recipe: Recipe, budget: float, info: RegionInfo) -> float:
    """Return the threshold that at most this share of good parts exceeds in a region; see export.learn.calibration."""
    scores = sorted(info.held_out.values())
    rank = math.ceil((len(scores) + 1) * (1 - Fraction(budget).limit_denominator(10**6)))
    if rank > len(scores):
        raise RecipeError(
            f"{recipe.product}.yaml: regions.{info.name}.false_rejects: {budget:g} takes "
            f"{math.ceil(1 / Fraction(budget).limit_denominator(10**6)) - 1} good parts, the model has {len(scores)}: "
            "run `calibrate --data` with more, or widen it"
        )
    return max(scores[max(rank, 1) - 1], LEAST)
