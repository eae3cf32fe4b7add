"""Where a threshold could lie, by what is known of parts: to miss nothing, to err least, to reject no good one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def marked_thresholds(good: ArrayLike, defects: ArrayLike) -> dict[str, float]:
    """Three thresholds from the scores of good and defective parts, by name; those that need a class which is empty
    are left out. A part passes when its score is not above the threshold.
    """
    good, defects = np.asarray(good, np.float64), np.asarray(defects, np.float64)
    found: dict[str, float] = {}
    if len(defects):
        found["miss_nothing"] = float(np.nextafter(defects.min(), -np.inf))
    if len(defects) and len(good):
        scores = np.unique(np.concatenate([good, defects]))
        levels = [*np.nextafter(scores, -np.inf).tolist(), float(scores.max())]  # just below each part, and above all
        missed = {level: int((defects <= level).sum()) for level in levels}
        errors = {level: missed[level] + int((good > level).sum()) for level in levels}
        found["fewest_errors"] = min(levels, key=lambda level: (errors[level], missed[level]))
    if len(good):
        found["reject_no_good_part"] = float(good.max())
    return found
