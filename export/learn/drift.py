"""Whether good parts of a later day look as those of the training day did, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CHANCE = 0.01  # of a difference as large where there is none: rarer is called drift
LEAST = 10  # later parts: fewer say nothing
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Drift:
    """Scores of good parts that the model did not learn from: held out on the training day, and of a later day."""

    before: Sequence[float]
    now: Sequence[float]
    threshold: float  # of the training day
    budget: float  # share of good parts that it promised to reject at most

    @property
    def rejected(self) -> int:
        """Say how many of the later parts the training day's threshold rejects."""
        return sum(score > self.threshold for score in self.now)

    @property
    def chance(self) -> float:
        """Say how likely later parts of the same kind differ as much (Mann & Whitney, Ann. Math. Stat. 18, 1947)."""
        return float(stats.mannwhitneyu(self.before, self.now).pvalue)

    @property
    def words(self) -> list[str]:
        """Lines for the user; none where there are too few later parts."""
        if len(self.now) < LEAST:
            return []
        low, high = stats.binomtest(self.rejected, len(self.now)).proportion_ci(CONFIDENCE)
        share = f"{self.rejected / len(self.now):.1%}, {CONFIDENCE:.0%} sure: {low:.1%} to {high:.1%}"
        return [
            f"promised on the training day: at most {self.budget:.1%} of good parts rejected; "
            f"met now: {self.rejected} of {len(self.now)} ({share})",
            self._difference(),
        ]

    def _difference(self) -> str:
        then, today = float(np.median(self.before)), float(np.median(self.now))
        medians = f"median score {today:.2f}, on the training day {then:.2f}"
        if self.chance > CHANCE:
            return f"no drift seen: {medians}"
        if today > then:
            return (
                f"drift: good parts score higher than on the training day ({medians}): check lamp, focus and position "
                "before you change the threshold; if the change is meant to stay, train again with these parts"
            )
        return f"drift: good parts look less strange than on the training day ({medians}): they may vary less than then"
