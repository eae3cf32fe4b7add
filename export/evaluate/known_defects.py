"""A few known defects: no model learns from them; they only say which budget is worth its false rejects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.evaluate.evaluation import inspect_images
from export.learn import calibration
from export.learn.calibration import Threshold
from export.masks import split_masks
from inspector.errors import DataError
from inspector.images import find_images
from inspector.inspection import Inspector
from inspector.records import Cause

LEAST = 8  # known defects: what fewer say is chance
MARGIN = 0.2  # of them that a looser budget must catch beyond the usual one: less comes from which ones are known


@dataclass(frozen=True, slots=True)
class Known:
    """Known defects as the line scores them, and thresholds from held-out good parts to compare."""

    scores: Sequence[float]  # infinite where the line rejects the part without a score
    thresholds: Sequence[Threshold]  # guaranteed ones, tightest budget first
    usual: Threshold
    choose: bool  # whether another than the usual one may be taken

    @property
    def worth_it(self) -> Threshold:
        """Return the usual threshold, or the tightest looser one that catches clearly more."""
        if not self.choose:
            return self.usual
        wanted = self.caught(self.usual) + MARGIN * len(self.scores)
        looser = (each for each in self.thresholds if each.budget > self.usual.budget and self.caught(each) >= wanted)
        return next(looser, self.usual)

    def caught(self, threshold: Threshold) -> int:
        """Say how many of them it rejects."""
        return sum(score > threshold.value for score in self.scores)

    @property
    def words(self) -> list[str]:
        """Lines for the user."""
        each = ", ".join(f"{self.caught(one)} at {one.budget:.0%} false rejects" for one in self.thresholds)
        lines = [
            f"of {len(self.scores)} known defects, none of them learned from, {self.caught(self.usual)} are caught"
            + (f" ({each})" if each else "")
        ]
        chosen = self.worth_it
        if chosen is not self.usual:
            more = self.caught(chosen) - self.caught(self.usual)
            usual = f"{self.usual.budget:.0%}"
            lines.append(
                f"so the budget is {chosen.budget:.0%} in place of {usual}, the threshold {chosen.value:.4g}: "
                f"it catches {more} more"
            )
        return lines


def known_images(folder: Path) -> list[Path]:
    """Return the images of known defects in a folder. Raises DataError where there are too few."""
    images, _ = split_masks(find_images(folder))
    if len(images) < LEAST:
        raise DataError(f"{folder}: holds {len(images)} images of known defects, wanted {LEAST} or more")
    return images


def judge(inspector: Inspector, images: Sequence[Path], usual: Threshold, *, choose: bool) -> Known:
    """Score known defects by the line's own code. Raises DataError for one that cannot be read."""
    scores = []
    for inspection in inspect_images(inspector, images):
        if inspection.cause is Cause.DECODE:
            raise DataError(inspection.detail)
        scores.append(inspection.score if math.isfinite(inspection.score) else math.inf)
    good = list(inspector.detector.info.held_out.values())
    return Known(scores, calibration.guaranteed(good), usual, choose)
