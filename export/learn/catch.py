"""What a threshold catches: synthetic defects on good parts that the model was not shown.

They say which threshold finds more, and roughly how much. They do not say what share of real defects will be found:
those are of other kinds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from export.learn import calibration

SMALL = 0.002  # of the picture: a defect of less is a small one
DEFECT_RATE = 0.01  # of parts, where a cost of escape is weighed against false rejects
LEAST = 20  # defects: fewer say nothing


@dataclass(frozen=True, slots=True)
class Defect:
    """A synthetic defect, and how strange the part with it looked to a model that had not seen that part."""

    kind: str
    share: float  # of the picture
    score: float


@dataclass(frozen=True, slots=True)
class Point:
    """A threshold, what it may cost and what it catches."""

    budget: float  # share of good parts that may be rejected
    threshold: float
    small: float  # share of the small synthetic defects that it catches; nan where there are none
    large: float

    @property
    def words(self) -> str:
        large, small = ("-" if math.isnan(each) else f"{each:.0%}" for each in (self.large, self.small))
        found = f"about {large} of the large ones, {small} of the small"
        return f"at {self.budget:.0%} false rejects {found}"


def curve(scores: Sequence[float], defects: Sequence[Defect]) -> list[Point]:
    """A point for each budget that the held-out scores of good parts guarantee, tightest first."""
    if len(defects) < LEAST:
        return []
    return [
        Point(each.budget, each.value, *(caught(part, each.value) for part in _by_size(defects)))
        for each in calibration.guaranteed(scores)
    ]


def by_kind(defects: Sequence[Defect], threshold: float) -> dict[str, float]:
    """Share of each kind that a threshold catches."""
    kinds = sorted({defect.kind for defect in defects})
    return {kind: caught([each for each in defects if each.kind == kind], threshold) for kind in kinds}


def caught(defects: Sequence[Defect], threshold: float) -> float:
    """Share of the defects above the threshold; nan where there are none."""
    return sum(each.score > threshold for each in defects) / len(defects) if defects else math.nan


def cheapest(points: Sequence[Point], defects: Sequence[Defect], cost_of_escape: float) -> Point:
    """The point that costs least where a missed defect is worth so many false rejects; see DEFECT_RATE."""

    def cost(point: Point) -> float:
        return point.budget + DEFECT_RATE * cost_of_escape * (1 - caught(defects, point.threshold))

    return min(points, key=cost)


def _by_size(defects: Sequence[Defect]) -> tuple[list[Defect], list[Defect]]:
    """The small ones, and the others."""
    return [each for each in defects if each.share < SMALL], [each for each in defects if each.share >= SMALL]
