"""Several regions of a part, each learned alone: their models in one, and one score of the part.

A part is as strange as its strangest region, each in units of its own limit. The threshold is calibrated on that score
of good parts, so the part's false rejects keep the budget however many regions there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from export.learn.levels import ALL, Rows
from export.learn.scores import HIGH, LEAST, LEAST_RANGE, LOW, Scores

USUAL_BUDGET = 0.02  # where the part's is not chosen yet


class RegionsModel(nn.Module):
    """Patches (n * regions, h, w, 3), those of a part following each other -> what each region's model says of its own.

    `wanted` are numbers of patches.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, patches: Tensor, wanted: Rows = ALL) -> tuple[Tensor, ...]:
        count = len(self.models)
        asked = wanted if isinstance(wanted, Tensor) else torch.arange(len(patches))[wanted]
        parts = patches.unflatten(0, (-1, count))
        each = [model(parts[:, number], asked // count) for number, model in enumerate(self.models)]
        maps, scores, *shown = zip(*each, strict=True)
        told = torch.stack(maps, 1).flatten(0, 1), torch.stack(scores, 1).flatten(0, 1)
        return *told, *(_of_wanted(one, asked % count) for one in shown)


def _of_wanted(shown: Sequence[Tensor], region: Tensor) -> Tensor:
    """Reconstructions by each region's model, (k, 2, h, w, 3) -> those by the one whose patch was wanted."""
    found = shown[0]
    for number, own in enumerate(shown):
        found = torch.where((region == number)[:, None, None, None, None], own, found)
    return found


def limits(scores: Scores, budget: float = USUAL_BUDGET) -> Scores:
    """Return each region's limit, from scores of good parts (n, regions): all of them share the part's budget evenly.

    That is what a region's share of the budget would exceed if the logarithms of its scores were normal; so the part's
    threshold comes out near 1, and a region whose good parts hardly differ is not held to one where they differ much.
    """
    away = stats.norm.isf(budget / scores.shape[1]) / (stats.norm.ppf(HIGH) - stats.norm.ppf(LOW))
    low, middle, high = np.quantile(np.log(np.maximum(scores, LEAST)), [LOW, 0.5, HIGH], axis=0)
    return np.asarray(np.exp(middle + away * np.maximum(high - low, LEAST_RANGE)), np.float64)


def held_out(scores: Scores, budget: float = USUAL_BUDGET, some: Sequence[int] | None = None) -> Scores:
    """Score each good part, (n, regions) -> (n), as the line would had it not been among those that set the limits.

    `some` are the regions that count; None: all.
    """
    counting = list(range(scores.shape[1]) if some is None else some)
    if len(scores) == 1:
        return np.asarray((scores / limits(scores, budget))[:, counting].max(1), np.float64)
    others = (limits(np.delete(scores, part, axis=0), budget) for part in range(len(scores)))
    each = (own / limit for own, limit in zip(scores, others, strict=True))
    return np.array([float(relative[counting].max()) for relative in each])
