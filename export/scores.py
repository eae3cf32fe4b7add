"""From anomaly maps to scores, and what a usual score is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TOP_FRACTION = 0.01  # of a patch's map: one hot cell may be noise, a defect of a few cells fills this much
# Deviations of the scores' logarithms up to the limit, which no good part should reach: of the score on the whole, and
# of the others, which are each the largest of very many numbers and have longer tails.
DEVIATIONS = (4.0, 6.0)
LEAST = 0.05  # a score below this is as good as none: its logarithm would say more than it knows
LEAST_DEVIATION = 0.1  # few good parts may agree by chance
ASIDE = 0.05  # of the good parts, at most: as many defects may be among them
FENCE = 3.0  # interquartile ranges beyond the quartile (Tukey's far-out fence): not a usual good part

Scores = NDArray[np.float64]


def broad_score(maps: Tensor) -> Tensor:
    """A robust maximum of each map, (n, h, w) -> (n): the mean of its strangest cells."""
    flat = maps.flatten(1)
    count = max(1, round(TOP_FRACTION * flat.shape[1]))
    return torch.topk(flat, count, dim=1).values.mean(1)


def limits(scores: Scores) -> Scores:
    """Scores of good parts (n, kinds), first on the whole -> for each kind one that no good part should reach (kinds).

    Up to ASIDE of them that stand out from the others are left aside: a few defects among them must not blunt a kind
    for good. More than that are no defects, but how this product is.
    """
    logs = np.log(np.maximum(scores, LEAST))
    low, high, highest = np.quantile(logs, [0.25, 0.75, 1 - ASIDE], axis=0)
    fence = high + FENCE * np.maximum(high - low, LEAST_DEVIATION)
    usual = np.where(logs <= np.maximum(fence, highest), logs, np.nan)
    deviation = np.maximum(np.nanstd(usual, axis=0), LEAST_DEVIATION)
    first, others = DEVIATIONS
    away = np.array([first, *[others] * (scores.shape[1] - 1)])
    return np.asarray(np.exp(np.nanmean(usual, axis=0) + away * deviation), np.float64)


def held_out(scores: Scores) -> Scores:
    """Each good part's score (n) as the line would give it, had that part not been among those that set the limits."""
    count = len(scores)
    if count == 1:
        return np.asarray((scores / limits(scores)).max(1))
    others = [np.delete(scores, part, axis=0) for part in range(count)]
    return np.array([(scores[part] / limits(rest)).max() for part, rest in enumerate(others)])
