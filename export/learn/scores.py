"""From anomaly maps to scores, and what a usual score is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

RARE = 1e-3  # of good parts are stranger than a limit, if their scores are distributed as assumed
# The scores' logarithms: of the whole, a mean over many cells, normal; of a detail, the largest of very many numbers,
# Gumbel (Fisher & Tippett, Proc. Cambridge Phil. Soc. 24, 1928), whose longer tail puts its limit twice as far away.
WHOLE, DETAIL = stats.norm, stats.gumbel_r
LOW, HIGH = 0.1, 0.9  # of the good parts: the range that tells how they differ, whatever the strangest of them are
LEAST = 0.05  # a score below this is as good as none: its logarithm would say more than it knows
LEAST_RANGE = 0.1  # of the logarithms: few good parts may agree by chance
STEEP = 3.0  # times its power is that of a detail below its limit
NEVER = 1e30  # the limit of what does not count
LEAST_LIMIT = 0.2  # of a patch, against the highest: where nothing ever happens, not everything is a defect
PRIOR_PARTS = 30.0  # a patch's own limit counts for as much as so many good parts against the highest

Scores = NDArray[np.float64]


def top_mean(maps: Tensor, fraction: float = 0.01) -> Tensor:
    """A robust maximum of each map, (n, h, w) -> (n): the mean of the highest `fraction` of its cells.

    One hot cell may be noise; a defect of a few cells fills one per cent of a fine map.
    """
    flat = maps.flatten(1)
    count = max(1, round(fraction * flat.shape[1]))
    return torch.topk(flat, count, dim=1).values.mean(1)


@dataclass(frozen=True, slots=True)
class Mix:
    """Which components of scores make one, and how."""

    weights: tuple[float, ...] = (
        1.0,
    )  # of the first components, which are told of the whole part; the others are details
    details: bool = True  # whether the details count


@dataclass(frozen=True)
class Units:
    """What makes one score of several components.

    Those of the whole part are multiplied, each with an exponent that makes good parts vary alike in all of them, as
    weighted: their logarithms' standard scores are added. Beside that stand the details, each with a limit, which is 1,
    and a power: the highest counts. The exponents make the whole and the details vary alike, too; below its limit, a
    detail's power is STEEP times as high: there it only adds noise to products whose details vary.
    """

    whole_exponents: Scores  # of the components that make up the whole; their sum is 1
    limits: Scores  # of the whole and of each detail: no good part should reach them
    exponents: Scores  # likewise; that of the whole is 1
    middles: Scores  # median of each kind over good parts
    bounds: Scores  # each kind's own limit

    @classmethod
    def of(cls, scores: Scores, mix: Mix = Mix()) -> Units:
        """From scores of good parts (n, components), first the components of the whole, which are weighted.

        Taken from the middle of the scores: a few defects among the parts, or one odd good one, do not blunt a kind.
        """
        logs, count = _logs(scores), len(mix.weights)
        low, middle, high = np.quantile(logs, [LOW, 0.5, HIGH], axis=0)
        usual = np.maximum(high - low, LEAST_RANGE)
        above = usual * np.array([_away(WHOLE)] * count + [_away(DETAIL)] * (scores.shape[1] - count))
        whole_exponents = np.asarray(mix.weights) / usual[:count]
        whole_exponents /= whole_exponents.sum()
        whole_middle, whole_above = _middle_and_above(logs[:, :count] @ whole_exponents)
        middles, aboves = np.r_[whole_middle, middle[count:]], np.r_[whole_above, above[count:]]
        limits = np.exp(middles + aboves)
        if not mix.details:
            limits[1:] = NEVER
        return cls(whole_exponents, limits, aboves[0] / aboves, np.exp(middle), np.exp(middle + above))

    def together(self, scores: Scores) -> Scores:
        """(..., components) -> (...): the highest of the whole and the details."""
        logs, count = _logs(scores), len(self.whole_exponents)
        whole = logs[..., :count] @ self.whole_exponents
        each = np.concatenate([whole[..., None], logs[..., count:]], -1)
        above = (each - np.log(self.limits)) * self.exponents
        above[..., 1:] = np.minimum(above[..., 1:], STEEP * above[..., 1:])
        return np.asarray(np.exp(above).max(-1), np.float64)


def _logs(scores: Scores) -> Scores:
    return np.asarray(np.log(np.maximum(scores, LEAST)), np.float64)


def _middle_and_above(logs: Scores) -> tuple[float, float]:
    """The median of the whole's logarithms, and how far above it the limit lies."""
    low, middle, high = np.quantile(logs, [LOW, 0.5, HIGH])
    return float(middle), _away(WHOLE) * max(float(high - low), LEAST_RANGE)


@dataclass(frozen=True)
class Calibrated:
    """Units, and what is usual in each patch of a grid.

    Good parts differ more in some patches than in others: without limits of their own, the strangest patch of a part is
    nearly always one of those, and a defect elsewhere is not seen.
    """

    units: Units
    patches: Scores  # (cells): what a patch's score and map are divided by

    @classmethod
    def of(cls, components: Scores, mix: Mix = Mix()) -> Calibrated:
        """From scores of good parts (n, cells, components); see Units.of."""
        units = Units.of(components.max(1), mix)
        return cls(units, _usual(units.together(components)))

    def scores(self, components: Scores) -> Scores:
        """Of parts (n, cells, components) -> (n): each is as strange as its strangest patch."""
        return np.asarray((self.units.together(components) / self.patches).max(1), np.float64)


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


def held_out(components: Scores, mix: Mix = Mix()) -> Scores:
    """Score each good part, (n, cells, components) -> (n), as the line would had it not been among those that set the
    units.
    """
    count = len(components)
    if count == 1:
        return Calibrated.of(components, mix).scores(components)
    others = [np.delete(components, part, axis=0) for part in range(count)]
    alone = [Calibrated.of(rest, mix).scores(components[[part]]) for part, rest in enumerate(others)]
    return np.concatenate(alone)
