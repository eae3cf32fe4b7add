"""From anomaly maps to scores, and what a usual score is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

TOP_FRACTION = 0.01  # of a patch's map: one hot cell may be noise, a defect of a few cells fills this much
RARE = 1e-3  # of good parts are stranger than a limit, if their scores are distributed as assumed
# The scores' logarithms: of the whole, a mean over many cells, normal; of a detail, the largest of very many numbers,
# Gumbel (Fisher & Tippett, Proc. Cambridge Phil. Soc. 24, 1928), whose longer tail puts its limit twice as far away.
WHOLE, DETAIL = stats.norm, stats.gumbel_r
LOW, HIGH = 0.1, 0.9  # of the good parts: the range that tells how they differ, whatever the strangest of them are
LEAST = 0.05  # a score below this is as good as none: its logarithm would say more than it knows
LEAST_RANGE = 0.1  # of the logarithms: few good parts may agree by chance
LEAST_LIMIT = 0.2  # of a patch, against the highest: where nothing ever happens, not everything is a defect
PRIOR_PARTS = 30.0  # a patch's own limit counts for as much as so many good parts against the highest

Scores = NDArray[np.float64]


def broad_score(maps: Tensor) -> Tensor:
    """A robust maximum of each map, (n, h, w) -> (n): the mean of its strangest cells."""
    flat = maps.flatten(1)
    count = max(1, round(TOP_FRACTION * flat.shape[1]))
    return torch.topk(flat, count, dim=1).values.mean(1)


@dataclass(frozen=True)
class Units:
    """What makes scores of several kinds one: a limit for each, which is 1, and a power.

    The powers bring the median good part to the same score in every kind, too: where good parts are much alike in one
    kind and differ in another, half a limit says different things. That of the first kind is 1.
    """

    limits: Scores  # (kinds): no good part should reach them
    powers: Scores  # (kinds)

    @classmethod
    def of(cls, scores: Scores) -> Units:
        """From scores of good parts (n, kinds), first on the whole.

        Taken from the middle of the scores: a few defects among the parts, or one odd good one, do not blunt a kind.
        """
        low, middle, high = np.quantile(np.log(np.maximum(scores, LEAST)), [LOW, 0.5, HIGH], axis=0)
        away = np.array([_away(WHOLE), *[_away(DETAIL)] * (scores.shape[1] - 1)])
        above = away * np.maximum(high - low, LEAST_RANGE)
        return cls(np.asarray(np.exp(middle + above), np.float64), np.asarray(above[0] / above, np.float64))

    def together(self, scores: Scores) -> Scores:
        """(..., kinds) -> (...): the highest."""
        return np.asarray(((scores / self.limits) ** self.powers).max(-1), np.float64)


@dataclass(frozen=True)
class Calibrated:
    """Units, and what is usual in each patch of a grid.

    Good parts differ more in some patches than in others: without limits of their own, the strangest patch of a part is
    nearly always one of those, and a defect elsewhere is not seen.
    """

    units: Units
    patches: Scores  # (cells): what a patch's score and map are divided by

    @classmethod
    def of(cls, kinds: Scores) -> Calibrated:
        """From scores of good parts (n, cells, kinds)."""
        units = Units.of(kinds.max(1))
        return cls(units, _usual(units.together(kinds)))

    def scores(self, kinds: Scores) -> Scores:
        """Of parts (n, cells, kinds) -> (n): each is as strange as its strangest patch."""
        return np.asarray((self.units.together(kinds) / self.patches).max(1), np.float64)


def _usual(scores: Scores) -> Scores:
    """Limits (cells) of good parts' scores (n, cells): each patch's own, shrunk towards the highest, which is 1."""
    parts, cells = scores.shape
    if cells == 1:
        return np.ones(1)
    logs = np.log(np.maximum(scores, LEAST))
    low, middle, high = np.quantile(logs, [LOW, 0.5, HIGH], axis=0)
    own = middle + _away(WHOLE) * np.maximum(high - low, LEAST_RANGE)
    own = np.maximum(own, own.max() + np.log(LEAST_LIMIT))
    return np.asarray(np.exp(parts / (parts + PRIOR_PARTS) * (own - own.max())), np.float64)


def _away(distribution: stats.rv_continuous) -> float:
    """From the median to the limit, in units of the range."""
    return float((distribution.isf(RARE) - distribution.ppf(0.5)) / (distribution.ppf(HIGH) - distribution.ppf(LOW)))


def held_out(kinds: Scores) -> Scores:
    """Each good part's score (n), from (n, cells, kinds), as the line would give it, had that part not been among those
    that set the units.
    """
    count = len(kinds)
    if count == 1:
        return Calibrated.of(kinds).scores(kinds)
    others = [np.delete(kinds, part, axis=0) for part in range(count)]
    return np.concatenate([Calibrated.of(rest).scores(kinds[[part]]) for part, rest in enumerate(others)])
