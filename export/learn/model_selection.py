"""Which head finds the most: held-out good parts against copies of them with synthetic defects.

Only good parts take part. How far to pool a covariance decides much on parts in any pose and on textures, and a
likelihood cannot say it: it always prefers the finer covariance, which is not the one that finds more defects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from export.learn import feature
from export.learn.feature import Choice, Moments, Space
from export.learn.levels import Shape
from export.learn.scores import top_mean

POOLED = (0.0, 0.5, 0.75, 1.0)  # shares of the covariance to choose from
CLEARLY_MORE = 0.05  # AUROC that must be gained over the usual choice: less comes from which parts were held out


@dataclass(frozen=True)
class SelectionSet:
    """Rows of good patches to learn from, and two sets of parts, whose patches follow each other."""

    kept: Tensor  # (r, d)
    held: Tensor  # (parts * patches, d): good, not among `kept`
    defective: Tensor  # (copies * patches, d): the held parts with one synthetic defect each
    patches: int  # per part


@dataclass(frozen=True, slots=True)
class Finding:
    """What a trial decided."""

    choice: Choice
    auroc: float  # image AUROC on the synthetic defects: to compare by, not to expect of real ones


def best(trial: SelectionSet, shapes: Sequence[Shape], usual: Choice) -> Finding:
    """Try every arrangement and covariance; the usual choice stays unless another is clearly better."""
    start = replace(usual, bottleneck=min(usual.bottleneck, len(trial.kept) - 1))
    found = {choice: _auroc(good, bad, trial.patches) for choice, good, bad in _maps(trial, shapes, start)}
    winner = max(found, key=lambda choice: found[choice])
    chosen = winner if found[winner] > found[start] + CLEARLY_MORE else start
    return Finding(replace(chosen, bottleneck=usual.bottleneck), found[chosen])


def _maps(trial: SelectionSet, shapes: Sequence[Shape], start: Choice) -> Iterator[tuple[Choice, Tensor, Tensor]]:
    """Maps of the good and of the defective for every choice to be made."""
    space = Space.of(trial.kept, shapes)
    basis = feature.principal_parts(space, trial.kept, start.bottleneck)
    for joint in (False, True):
        moments = Moments.of(space.residuals(trial.kept, basis), shapes, joint)
        for pooled in POOLED:
            tables = moments.whitening(pooled)
            good, bad = (
                torch.cat([feature.whitened_error(r, shapes, tables, joint) for r in space.residuals(rows, basis)])
                for rows in (trial.held, trial.defective)
            )
            choice = replace(start, joint=joint, pooled=pooled)
            yield choice, torch.relu(good - 1), torch.relu(bad - 1)


def _auroc(good: Tensor, bad: Tensor, patches: int) -> float:
    scores = [top_mean(maps).reshape(-1, patches).amax(1) for maps in (good, bad)]
    truth = np.repeat([0, 1], [len(part) for part in scores])
    return float(roc_auc_score(truth, torch.cat(scores).cpu().numpy()))
