"""Preparation, detector and threshold put together: frames in, inspections out, no threads.

Live lines, replays, calibration and evaluation all call this very code, so they cannot disagree.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.agreement import held_out_of, limits_of, threshold_of
from inspector.background import in_background, rested
from inspector.colour import ColourHighlighter
from inspector.detector import WARM_UP_S, Detector
from inspector.errors import PictureError
from inspector.grid import Grid
from inspector.identity import PartIdentity
from inspector.model_info import ModelInfo
from inspector.preparation import Preparation, View
from inspector.recipe import Recipe, load_recipe
from inspector.records import (
    Cause,
    Frame,
    Image,
    Inspection,
    InspectionContext,
    Judgement,
    Mask,
    Prediction,
    Verdict,
    highest_place,
)


class Inspector:
    """One recipe with its model, ready to judge. Raises RecipeError or ModelError when the two do not fit."""

    def __init__(self, recipe: Recipe, detector: Detector, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.recipe = recipe
        self.detector = detector
        info = detector.info
        self.grid = recipe.layout or info.layout
        self.threshold = threshold_of(recipe, info, detector.model_hash)
        self._now_ns = now_ns
        self._highlighter = _highlighter(recipe, detector)
        self.preparation = _preparation(recipe, info, self.grid, self._highlighter)
        self._limits = limits_of(recipe, info, detector.model_hash, self.threshold)
        self.held_out = held_out_of(recipe, info, self._limits)  # by the image's hash: scores of good parts
        self._good_scores = np.sort(np.array(list(self.held_out.values()), np.float64))
        self.context = InspectionContext(
            product=recipe.product,
            recipe_hash=recipe.hash,
            model_hash=detector.model_hash,
            threshold=self.threshold,
            good_parts=len(self._good_scores),
            find_strange=self._find_strange if self._highlighter else None,
            regions=tuple(region.name for region in info.regions),
        )

    @property
    def budget(self) -> float:
        """Share of good parts that the threshold may reject."""
        wanted = self.recipe.false_rejects
        return self.detector.info.false_rejects if wanted == "auto" else wanted

    def warm_up(self, rest: float = 0.0, limit_s: float = WARM_UP_S) -> None:
        """Run the model once on every batch size, so that the first part is as fast as the rest; see Detector."""
        self.detector.warm_up(self.recipe.batch_size * self.grid.patches, rest, limit_s)

    def inspect(self, frames: Sequence[Frame]) -> list[Inspection]:
        """Judge some frames, in their order; their patches share batches."""
        begun_ns = self._now_ns()
        views: dict[int, View] = {}
        inspections: dict[int, Inspection] = {}
        for number, frame in enumerate(frames):
            try:
                views[number] = self.preparation.view(frame.image)
            except PictureError as error:
                inspections[number] = self._missed(frame, error.cause, str(error))
        judged = self._judge([frames[number] for number in views], list(views.values()), begun_ns)
        inspections |= zip(views, judged, strict=True)
        return [inspections[number] for number in range(len(frames))]

    def missed(self, identity: PartIdentity, cause: Cause, detail: str, image: Image | None = None) -> Inspection:
        """Return the verdict on a part that this inspector should have judged and did not."""
        return Inspection(identity, self.context, Verdict.MISSED, cause=cause, detail=detail, image=image)

    def _find_strange(self, image: Image) -> Mask:
        """Find colours that no good part shows, where the part is judged."""
        assert self._highlighter is not None
        strange, judged = self._highlighter.strange(image), self.preparation.judged(image)
        return strange if judged is None else strange & judged

    def _judge(self, frames: Sequence[Frame], views: Sequence[View], begun_ns: int) -> list[Inspection]:
        if not views:
            return []
        found = self.detector(self.preparation.batch(views)).relative_to(np.tile(self._limits, len(views)))
        scores = patch_scores(found).reshape(len(views), self.grid.rows, self.grid.cols)
        each = found.maps.reshape(len(views), self.grid.patches, *found.maps.shape[1:])
        return [self._inspection(*parts, begun_ns) for parts in zip(frames, views, each, scores, strict=True)]

    def _inspection(
        self, frame: Frame, view: View, maps: NDArray[np.float32], scores: NDArray[np.float32], begun_ns: int
    ) -> Inspection:
        score = part_score(scores)
        if not np.isfinite(score):
            return self._missed(frame, Cause.MODEL, "the model gave no number")
        boxes, anomaly_map = self.preparation.back(view, maps)
        percentile = _percentile(score, self._good_scores)
        judgement = Judgement(score, percentile, scores, boxes, anomaly_map, highest_place(anomaly_map))
        wait_ms = (begun_ns - frame.captured_ns) / 1e6
        judge_ms = (self._now_ns() - begun_ns) / 1e6
        verdict = verdict_of(score, self.threshold)
        inspection = Inspection(
            frame.identity,
            self.context,
            verdict,
            judgement,
            wait_ms + judge_ms,
            image=frame.image,
            wait_ms=wait_ms,
            judge_ms=judge_ms,
        )
        if verdict.reject and self.context.regions:
            return replace(inspection, detail=f"region {', '.join(inspection.failed_regions)}")
        return inspection

    def _missed(self, frame: Frame, cause: Cause, detail: str) -> Inspection:
        return self.missed(frame.identity, cause, detail, frame.image)


def patch_scores(found: Prediction) -> NDArray[np.float32]:
    """Return the score of each patch, (n); NaN where its map holds NaN or infinity."""
    sound = np.isfinite(found.maps).all((1, 2))
    return np.where(sound, found.scores, np.float32(np.nan))


def part_score(scores: NDArray[np.float32]) -> float:
    """Return the highest score of the patches: so a part fails exactly when one of its patches is anomalous."""
    return float(scores.max())


def verdict_of(score: float, threshold: float) -> Verdict:
    """Return PASS up to the threshold, itself included. NaN fails."""
    return Verdict.PASS if score <= threshold else Verdict.FAIL


def load_inspector(
    product: str,
    config_dir: Path,
    model_dir: Path,
    now_ns: Callable[[], int] = time.monotonic_ns,
    load_model: Callable[[Path], Detector] = Detector,
    rest: float = 0.0,
    read_recipe: Callable[[Path, str], Recipe] = load_recipe,
    limit_s: float = WARM_UP_S,
) -> Inspector:
    """Read the recipe, load its model, check that they fit, and warm up: the line may start at once.

    Another line may be running: this runs at low priority, and after each step sleeps for `rest` times as long as that
    took. No run of the warm-up may take longer than `limit_s`.
    """
    recipe = read_recipe(config_dir, product)

    def prepare() -> Inspector:
        detector = rested(lambda: load_model(model_dir / recipe.model_file), rest)
        inspector = rested(lambda: Inspector(recipe, detector, now_ns), rest)
        inspector.warm_up(rest, limit_s)
        return inspector

    return in_background(prepare)


def _percentile(score: float, good_scores: NDArray[np.float64]) -> float:
    """Return the share of good parts that score lower, from sorted held-out scores. It is never 1.

    k of n count as k / (n + 1), as in conformal prediction: the next good part may score higher. NaN
    where there are no scores.
    """
    if not len(good_scores):
        return math.nan
    return float(np.searchsorted(good_scores, score)) / (len(good_scores) + 1)


def _highlighter(recipe: Recipe, detector: Detector) -> ColourHighlighter | None:
    if recipe.colour.enhance == "none":
        return None
    tolerance = recipe.colour.tolerance
    return ColourHighlighter(detector.gamut, detector.info.colour_tolerance if tolerance is None else tolerance)


def _preparation(recipe: Recipe, info: ModelInfo, grid: Grid, highlighter: ColourHighlighter | None) -> Preparation:
    return Preparation(
        grid=grid,
        patch_shape=info.patch_shape,
        fixture=info.fixture,
        image_shape=None if recipe.any_size else info.image_shape,
        highlighter=highlighter if recipe.colour.enhance == "model" else None,
        must_find=recipe.unaligned == "missed",
        roi=info.roi,
        regions=tuple(region.roi for region in info.regions),
    )
