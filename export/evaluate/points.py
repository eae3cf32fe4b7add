"""Where a threshold could lie on a test set: what it would cost to miss nothing, or to reject no good part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.evaluate.metrics import Flags, Results
from inspector.operating_points import marked_thresholds
from inspector.text import DIGITS, digits_apart

ORIENTATION = "All but the first are chosen on this very test set: for orientation, not for setting the threshold."


@dataclass(frozen=True, slots=True)
class ThresholdEffect:
    """One threshold, and what it does. A part that was not judged is rejected whatever the threshold."""

    words: str
    threshold: float
    found: int  # defective parts rejected
    defects: int
    false_rejects: int
    good: int

    @property
    def recall(self) -> float:
        return self.found / self.defects

    @property
    def false_reject_rate(self) -> float:
        return self.false_rejects / self.good


def operating_points(results: Results, threshold: float) -> dict[str, ThresholdEffect]:
    """Return the threshold in use beside three others, by name; empty where no part of one class was judged."""
    judged = np.isfinite(results.scores)
    good, defects = results.scores[judged & ~results.anomalous], results.scores[judged & results.anomalous]
    if not len(good) or not len(defects):
        return {}
    thresholds = {"in_use": threshold} | marked_thresholds(good, defects)
    return {name: _point(results, name.replace("_", " "), level) for name, level in thresholds.items()}


def digits_of(points: Iterable[ThresholdEffect]) -> int:
    """Return how many significant digits it takes to tell their thresholds apart, each from all others."""
    thresholds = [point.threshold for point in points]
    return max((digits_apart(each, thresholds) for each in thresholds), default=DIGITS)


def _point(results: Results, words: str, threshold: float) -> ThresholdEffect:
    rejected = _rejected(results.scores, threshold)
    return ThresholdEffect(
        words,
        threshold,
        found=int((rejected & results.anomalous).sum()),
        defects=int(results.anomalous.sum()),
        false_rejects=int((rejected & ~results.anomalous).sum()),
        good=int((~results.anomalous).sum()),
    )


def _rejected(scores: NDArray[np.float64], threshold: float) -> Flags:
    return np.asarray(~(scores <= threshold))  # as the line has it: what is not a number does not pass
