"""Anomaly map -> score -> verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.records import Verdict

TOP_FRACTION = 0.01  # of a patch's map: one hot cell may be noise, a defect of a few pixels still fills this much


def patch_scores(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """A robust maximum of each map, (n, m, m) -> (n): the mean of its strangest cells."""
    flat = maps.reshape(len(maps), -1)
    count = max(1, round(TOP_FRACTION * flat.shape[1]))
    strangest = np.partition(flat, flat.shape[1] - count, axis=1)[:, -count:]
    scores: NDArray[np.float32] = strangest.mean(axis=1, dtype=np.float32)
    return scores


def part_score(scores: NDArray[np.float32]) -> float:
    """The part is as strange as its strangest patch, so it fails exactly when a patch is anomalous."""
    return float(scores.max())


def verdict(score: float, threshold: float) -> Verdict:
    """A part may be as strange as the threshold, not stranger; what is not a number does not pass."""
    return Verdict.PASS if score <= threshold else Verdict.FAIL
