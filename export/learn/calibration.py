"""From the scores of good parts that the model never saw to a threshold that keeps a budget of false rejects.

Split conformal prediction (Vovk et al., Algorithmic Learning in a Random World, 2005): with n exchangeable good parts
the k-th smallest score is exceeded by the next good part with a probability of at most 1 - k / (n + 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from scipy import stats

from inspector.errors import DataError

BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.25)  # to choose from, where none is given: tightest first
SPARE = 2  # one or two odd parts, or defects among the good ones, must not set the threshold
TIGHT = 0.05  # for a budget up to this; with few parts, a wider one is taken without any to spare
# Times the median score: above this, a threshold lets most defects of many products pass. Settled on ten products and
# reported on the eleventh, each in turn: docs/decisions/0013.
FAR = 1.45
LEAST_PARTS = 9  # that guarantee a tenth; fewer say too little of how parts differ to choose by
OTHERWISE = 0.02  # where there are fewer
LEAST = 1e-6  # a threshold is above 0, also where good parts score nothing at all
FARTHEST = 2.0  # times (1 + the strangest score): a guess, and marked as one, where few parts say how they differ


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold and what stands behind it."""

    value: float
    budget: float  # share of good parts that may be rejected
    guaranteed: bool  # False: extrapolated beyond the strangest good part
    parts: int  # held-out good parts it rests on
    parts_needed: int  # for the guarantee
    tighter: Threshold | None = None  # guaranteed as well, and passed over because it lies too far above good parts

    @property
    def words(self) -> str:
        """One line for the user."""
        if self.guaranteed:
            said = f"at most {self.budget:g} of good parts rejected, from {self.parts} held-out good parts"
            return f"{said}{self._passed_over}"
        missing = self.parts_needed - self.parts
        return (
            f"extrapolated, without guarantee: {self.parts} held-out good parts; "
            f"{missing} more would guarantee at most {self.budget:g} false rejects"
        )

    @property
    def _passed_over(self) -> str:
        if self.tighter is None:
            return ""
        return (
            f"; good parts differ so much that for {self.tighter.budget:g} it would be {self.tighter.value:.4g}, "
            "more than many defects reach"
        )


def threshold(scores: Sequence[float], budget: float | None = None) -> Threshold:
    """The lowest threshold that keeps `budget` (0 < budget < 1), from at least one held-out score.

    Where none is given, it is the tightest of BUDGETS that so many parts can guarantee with some to spare, and whose
    threshold lies no farther than FAR above what good parts usually score; the widest where none does. Up to TIGHT, the
    threshold is neither one of the SPARE strangest good parts nor an odd one: that costs some of the budget, but none
    of the guarantee.
    """
    if not scores:
        raise DataError("no scores of good parts to set a threshold by: give --data with images of good parts")
    if budget is None:
        return _chosen(scores)
    count, rank = len(scores), _rank(len(scores), budget)
    needed = math.ceil(1 / (Fraction(budget).limit_denominator(10**6) or Fraction(budget))) - 1
    guaranteed = rank <= count
    value = sorted(scores)[rank - 1] if guaranteed else _extrapolated(scores, budget)
    return Threshold(max(float(value), LEAST), budget, guaranteed, count, needed)


def guaranteed(scores: Sequence[float]) -> list[Threshold]:
    """A threshold for each of BUDGETS that these held-out scores guarantee, the tightest budget first."""
    found = (threshold(scores, budget) for budget in BUDGETS)
    return [each for each in found if each.guaranteed]


def _chosen(scores: Sequence[float]) -> Threshold:
    if len(scores) < LEAST_PARTS:
        return threshold(scores, OTHERWISE)
    found = [threshold(scores, budget) for budget in BUDGETS if _affordable(scores, budget)]
    highest = max(FAR * float(np.median(scores)), LEAST)
    chosen = next((each for each in found if each.value <= highest), found[-1])
    return chosen if chosen is found[0] else replace(chosen, tighter=found[0])


def _affordable(scores: Sequence[float], budget: float) -> bool:
    odd = len(suspects({str(number): score for number, score in enumerate(scores)}))
    rejected = len(scores) - _rank(len(scores), budget)  # a negative number where the budget needs more parts
    return rejected >= (max(SPARE, odd) if budget <= TIGHT else 0)


def _rank(parts: int, budget: float) -> int:
    """Which of the held-out scores, from the lowest, is the threshold; beyond their number where none is."""
    exact = Fraction(budget).limit_denominator(10**6) or Fraction(budget)  # 1/200 rather than the float beside it
    return max(1, math.ceil((parts + 1) * (1 - exact)))


def suspects(scores: Mapping[str, float]) -> list[str]:
    """Names of "good" parts that stand out from the others, strangest first: look whether they are good.

    Tukey's far-out fence, three interquartile ranges above the third quartile, of the scores' logarithm.
    """
    logs = np.log1p(list(scores.values()))
    low, high = np.quantile(logs, [0.25, 0.75])
    fence = high + 3 * (high - low)
    return sorted((n for n, s in scores.items() if math.log1p(s) > fence), key=lambda n: -scores[n])


def _extrapolated(scores: Sequence[float], budget: float) -> float:
    """Upper prediction limit for one more part if the scores' logarithms are normal (Student's t).

    At most FARTHEST: the limit from two or three parts may lie so high that every defect passes.
    """
    logs = np.log1p(scores)
    count = len(logs)
    limit = float(logs.max() + math.log(FARTHEST))
    if count > 1:
        quantile = float(stats.t.isf(budget, count - 1))
        limit = min(limit, float(logs.mean() + quantile * logs.std(ddof=1) * math.sqrt(1 + 1 / count)))
    return max(math.expm1(limit), *scores)
