"""Scores -> verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.records import Prediction, Verdict


def patch_scores(found: Prediction) -> NDArray[np.float32]:
    """The score of each patch, (n); nan where its map holds something that is no number."""
    sound = np.isfinite(found.maps).all((1, 2))
    return np.where(sound, found.scores, np.float32(np.nan))


def part_score(scores: NDArray[np.float32]) -> float:
    """The part is as strange as its strangest patch, so it fails exactly when a patch is anomalous."""
    return float(scores.max())


def verdict(score: float, threshold: float) -> Verdict:
    """A part may be as strange as the threshold, not stranger; what is not a number does not pass."""
    return Verdict.PASS if score <= threshold else Verdict.FAIL
