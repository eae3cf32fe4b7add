"""Colour, grid, detector and judge put together: frames in, inspections out, no threads.

Live lines, replays, calibration and evaluation all call this very code, so they cannot disagree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector import judge
from inspector.colour import ColourHighlighter
from inspector.detector import Detector
from inspector.errors import ModelError, RecipeError
from inspector.model_info import ModelInfo
from inspector.recipe import Recipe, load_recipe
from inspector.records import Cause, Frame, Inspection, Mask, Patches, Verdict


class Inspector:
    """One recipe with its model, ready to judge. Raises RecipeError or ModelError when the two do not fit."""

    def __init__(self, recipe: Recipe, detector: Detector, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.recipe = recipe
        self.detector = detector
        self.grid = recipe.layout
        self.threshold = _threshold(recipe, detector)
        self._now_ns = now_ns
        self._highlighter = _highlighter(recipe, detector)

    def warm_up(self) -> None:
        """Run the model once on every batch size, so that the first part is judged as fast as the rest."""
        self.detector.warm_up(self.recipe.batch_size * self.grid.patches)

    def inspect(self, frames: Sequence[Frame]) -> list[Inspection]:
        """The whole judgement of some frames, in their order; their patches share batches."""
        if not frames:
            return []
        strange = [self._highlighter.strange(f.image) if self._highlighter else None for f in frames]
        maps = self.detector(self._patches(frames, strange))
        scores = judge.patch_scores(maps).reshape(len(frames), self.grid.rows, self.grid.cols)
        each = maps.reshape(len(frames), self.grid.patches, *maps.shape[1:])
        return [self._inspection(*parts) for parts in zip(frames, strange, each, scores, strict=True)]

    def missed(
        self, index: int, cause: Cause, detail: str, *, part: str = "", frame: Frame | None = None
    ) -> Inspection:
        """A frame that this recipe should have judged and did not."""
        return Inspection(
            index=index,
            part=frame.part if frame else part,
            verdict=Verdict.MISSED,
            product=self.recipe.product,
            recipe_hash=self.recipe.hash,
            model_hash=self.detector.model_hash,
            threshold=self.threshold,
            cause=cause,
            detail=detail,
            image=frame.image if frame else None,
        )

    def _patches(self, frames: Sequence[Frame], strange: Sequence[Mask | None]) -> Patches:
        size, count = self.detector.info.patch_px, self.grid.patches
        patches = np.empty((len(frames) * count, size, size, 3), np.uint8)
        for number, (frame, mask) in enumerate(zip(frames, strange, strict=True)):
            image = frame.image
            if self._highlighter and self.recipe.colour.enhance == "model":
                image = self._highlighter.paint(image, mask)
            self.grid.split(image, size, out=patches[number * count : (number + 1) * count])
        return patches

    def _inspection(
        self, frame: Frame, strange: Mask | None, maps: NDArray[np.float32], scores: NDArray[np.float32]
    ) -> Inspection:
        score = judge.part_score(scores)
        if not np.isfinite(score):
            return self.missed(frame.index, Cause.MODEL, "the model gave no number", frame=frame)
        height, width = frame.image.shape[:2]
        return Inspection(
            index=frame.index,
            part=frame.part,
            verdict=judge.verdict(score, self.threshold),
            product=self.recipe.product,
            recipe_hash=self.recipe.hash,
            model_hash=self.detector.model_hash,
            threshold=self.threshold,
            score=score,
            patch_scores=scores,
            patch_boxes=self.grid.boxes(height, width),
            latency_ms=(self._now_ns() - frame.captured_ns) / 1e6,
            image=frame.image,
            anomaly_map=self.grid.merge(maps, height, width),
            strange_colours=strange,
        )


def load_inspector(
    product: str, config_dir: Path, model_dir: Path, now_ns: Callable[[], int] = time.monotonic_ns
) -> Inspector:
    """Read the recipe, load its model, check that they fit, and warm up: the line may start at once."""
    recipe = load_recipe(config_dir, product)
    inspector = Inspector(recipe, Detector(model_dir / recipe.model_file), now_ns)
    inspector.warm_up()
    return inspector


def _threshold(recipe: Recipe, detector: Detector) -> float:
    info = detector.info
    _check_grid(recipe, info)
    if recipe.threshold == "auto":
        if (recipe.colour.enhance == "model") != info.enhanced:
            wanted = "with" if info.enhanced else "without"
            raise RecipeError(
                f"{recipe.product}.yaml: the model's threshold is for images {wanted} painted colours: "
                f"train again with --colour {recipe.colour.enhance}, or set colour.enhance back"
            )
        return info.threshold
    if recipe.threshold_model not in (None, detector.model_hash):
        raise RecipeError(
            f"{recipe.product}.yaml: threshold was set for model {recipe.threshold_model}, but the model is "
            f"{detector.model_hash}: run `calibrate` again, or write threshold: auto"
        )
    return recipe.threshold


def _check_grid(recipe: Recipe, info: ModelInfo) -> None:
    if recipe.layout != info.layout:
        raise ModelError(
            f"{recipe.product}: the recipe says grid {recipe.grid}, overlap {recipe.overlap:g}, but the model was "
            f"trained for grid {info.grid}, overlap {info.overlap:g}: change the recipe or train again"
        )


def _highlighter(recipe: Recipe, detector: Detector) -> ColourHighlighter | None:
    if recipe.colour.enhance == "none":
        return None
    tolerance = recipe.colour.tolerance
    return ColourHighlighter(detector.gamut, detector.info.colour_tolerance if tolerance is None else tolerance)
