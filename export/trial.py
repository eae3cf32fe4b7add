"""Which head finds the most: held-out good parts against copies of them with synthetic defects.

Only good parts take part. How far to pool a covariance decides much on parts in any pose and on textures, and a
likelihood cannot say it: it always prefers the finer covariance, which is not the one that finds more defects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor

from export import feature
from export.feature import Choice, Moments, Shape, Space
from inspector import judge

POOLED = (0.0, 0.5, 0.75, 1.0)  # shares of the covariance to choose from
CLEARLY_MORE = 0.03  # AUROC that must be gained over the usual choice: less comes from which parts were held out


@dataclass(frozen=True)
class Trial:
    """Rows of good patches to learn from, and two sets of parts, whose patches follow each other."""

    kept: Tensor  # (r, d)
    held: Tensor  # (parts * patches, d): good, not among `kept`
    spoiled: Tensor  # (copies * patches, d): the held parts with one synthetic defect each
    patches: int  # per part


@dataclass(frozen=True, slots=True)
class Finding:
    """What a trial decided."""

    choice: Choice
    auroc: float  # image AUROC on the synthetic defects: to compare by, not to expect of real ones


def best(trial: Trial, shapes: Sequence[Shape], usual: Choice) -> Finding:
    """Try every arrangement and covariance; the usual choice stays unless another is clearly better."""
    start = replace(usual, bottleneck=min(usual.bottleneck, len(trial.kept) - 1))
    found = {choice: _auroc(good, bad, trial.patches) for choice, good, bad in _maps(trial, shapes, start)}
    winner = max(found, key=lambda choice: found[choice])
    chosen = winner if found[winner] > found[start] + CLEARLY_MORE else start
    return Finding(replace(chosen, bottleneck=usual.bottleneck), found[chosen])


Maps = NDArray[np.float32]


def _maps(trial: Trial, shapes: Sequence[Shape], start: Choice) -> Iterator[tuple[Choice, Maps, Maps]]:
    """Maps of the good and of the spoiled for every choice to be made."""
    space = Space.of(trial.kept, shapes)
    basis = feature.principal_parts(space, trial.kept, start.bottleneck)
    for joint in (False, True):
        moments = Moments.of(space.residuals(trial.kept, basis), shapes, joint)
        for pooled in POOLED:
            tables = moments.whitening(pooled)
            good, bad = (
                torch.cat([feature.strangeness(r, shapes, tables, joint) for r in space.residuals(rows, basis)])
                for rows in (trial.held, trial.spoiled)
            )
            choice = replace(start, joint=joint, pooled=pooled)
            yield choice, _as_maps(good), _as_maps(bad)


def _as_maps(strangeness: Tensor) -> Maps:
    return np.asarray(torch.relu(strangeness - 1).cpu().numpy(), np.float32)


def _auroc(good: Maps, bad: Maps, patches: int) -> float:
    scores = [judge.patch_scores(maps).reshape(-1, patches).max(1) for maps in (good, bad)]
    truth = np.repeat([0, 1], [len(part) for part in scores])
    return float(roc_auc_score(truth, np.concatenate(scores)))
