"""How far the figures of a test set can be trusted: intervals by the bootstrap.

The images are drawn again, with replacement, as many of each kind of defect and of good parts as there are, and each
figure is computed again from them. The middle 95 % of what comes out is the interval (the percentile bootstrap: Efron
and Tibshirani, An Introduction to the Bootstrap, 1993). It shows what other images of the same kinds could have
changed. It cannot show what these images never contain: where all are right, every replicate is right too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from export.evaluate.metrics import Results, Weights

REPLICATES = 1000  # an end of the interval then rests on the 25 replicates beyond it
LEVEL = 0.95
SEED = 0  # the same test set gives the same intervals

Interval = tuple[float, float]


def intervals(results: Results, kinds: Sequence[str]) -> dict[str, Interval | None]:
    """Return the interval of each figure, by name; None where the figure does not exist. `kinds`: each image's."""
    drawn = [dataclasses.astuple(results.figures(weights)) for weights in _draws(kinds)]
    known = dataclasses.asdict(results.figures())
    return {
        name: _middle(np.array(values)) if np.isfinite(known[name]) else None
        for name, values in zip(known, zip(*drawn, strict=True), strict=True)
    }


def share_interval(count: int, of: int) -> Interval:
    """Return the exact (Clopper-Pearson) interval of a share. Unlike the bootstrap, none of 20 is not none for sure."""
    found = binomtest(count, of).proportion_ci(LEVEL, method="exact")
    return float(found.low), float(found.high)


def _draws(kinds: Sequence[str]) -> Weights:
    """Say how often each image is drawn, (replicates, images)."""
    rng = np.random.default_rng(SEED)
    names = np.array(kinds)
    weights = np.zeros((REPLICATES, len(names)), np.int64)
    for kind in np.unique(names):
        own = np.flatnonzero(names == kind)
        weights[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=REPLICATES)
    return weights


def _middle(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
    """Return the middle part of the values; a replicate in which a figure does not exist is passed over."""
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
