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
FRACTIONS = (0.002, 0.005, 0.01, 0.02)  # of the map that make a score
SAME = 0.005  # AUROC this close to the best is no difference; the larger fraction, the steadier score, is then taken

CLEARLY_MORE = 0.02  # AUROC that judging all levels together must gain: apart, their maps are finer


@dataclass(frozen=True)
class Trial:
    """Rows of good patches to learn from, and two sets of parts, whose patches follow each other."""

    kept: Tensor  # (r, d)
    held: Tensor  # (parts * patches, d): good, not among `kept`
    spoiled: Tensor  # (copies * patches, d): the held parts with one synthetic defect each
    patches: int  # per part


@dataclass(frozen=True, slots=True)
class Finding:
    """The best of a trial."""

    choice: Choice
    top_fraction: float
    auroc: float  # image AUROC on the synthetic defects: to compare by, not to expect of real ones


def best(trial: Trial, shapes: Sequence[Shape], bottleneck: int) -> Finding:
    """Try every covariance and every fraction with that bottleneck."""
    found = [
        Finding(choice, fraction, _auroc(good, bad, fraction, trial.patches))
        for choice, good, bad in _maps(trial, shapes, Choice(min(bottleneck, len(trial.kept) - 1)))
        for fraction in FRACTIONS
    ]
    separate, joint = (
        max((f for f in found if f.choice.joint is kind), key=lambda finding: finding.auroc) for kind in (False, True)
    )
    winner = joint if joint.auroc > separate.auroc + CLEARLY_MORE else separate
    alike = [f for f in found if f.choice == winner.choice and f.auroc >= winner.auroc - SAME]
    steadiest = max(alike, key=lambda finding: finding.top_fraction)
    return replace(steadiest, choice=replace(steadiest.choice, bottleneck=bottleneck))


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


def _auroc(good: Maps, bad: Maps, fraction: float, patches: int) -> float:
    scores = [judge.patch_scores(maps, fraction).reshape(-1, patches).max(1) for maps in (good, bad)]
    truth = np.repeat([0, 1], [len(part) for part in scores])
    return float(roc_auc_score(truth, np.concatenate(scores)))
