"""Evidence that values no longer come from where earlier ones came from, looked at after every single value.

Each value is ranked among a reference and the values since: its conformal p-value, uniform and independent of those
before it as long as all are exchangeable (Vovk, Nouretdinov & Gammerman, Testing exchangeability on-line, ICML 2003).
Against each p-value some bets are laid, and they are combined by Shiryaev and Roberts' rule, R = (1 + R) * bet, as by
Vovk et al. (Retrain or not retrain: conformal test martingales for change-point detection, COPA 2021). R minus the
number of values is then a martingale. So it takes `one_in` values on average, or more, until R reaches that number by
chance; within n values the chance of it is n / `one_in` at most, however often one looks.

Values are ranked among each other, too, so a change that is there from the first value on soon becomes what is usual,
the sooner the smaller the reference. So the first values are compared with the reference besides, by the rank test of
Mann and Whitney (1947), whenever there are as many as FIRST says. All of these together reach `one_in` by chance with a
probability of 1 / `one_in` at each beginning.
"""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter
from collections.abc import Sequence

BETS = (0.3, 0.5, 0.7)  # b in b * p ** (b - 1): from bold to careful; below, p that are a little off win nothing
FIRST = (20, 50, 100, 200, 500)  # values since the beginning, compared with the reference
LEAST = 20  # values of a reference: with fewer, a rank says too little
ENOUGH = 1e12  # evidence beyond this is not counted: what was so sure must still be able to fade
MOST = 5000  # values ranked among: from there on the reference is kept, lest a slow change becomes part of it


class Evidence:
    """Watches values one by one. `more` and `less` say how strong the evidence is, in values (see above)."""

    def __init__(self, reference: Sequence[float], seed: int = 0) -> None:
        """Raises ValueError where the reference has fewer than LEAST values."""
        if len(reference) < LEAST:
            raise ValueError(f"{len(reference)} values are no reference: at least {LEAST} are needed")
        self._reference = sorted(reference)
        self._random = random.Random(seed)
        self.forget()

    def forget(self) -> None:
        """Begin again, with the reference alone."""
        self._known = list(self._reference)
        self._first: list[float] = []
        self._otherwise = 0.0  # that the first values are not like the reference
        self._more = [0.0] * len(BETS)
        self._less = [0.0] * len(BETS)

    def add(self, value: float) -> None:
        """Take one value."""
        low, high = bisect.bisect_left(self._known, value), bisect.bisect_right(self._known, value)
        # Equal values, of which it is one, are ranked by lot: so p is uniform even then.
        p = (len(self._known) - high + self._random.random() * (high - low + 1)) / (len(self._known) + 1)
        self._more = _bet(self._more, p)
        self._less = _bet(self._less, 1 - p)
        if len(self._known) < MOST:
            self._known.insert(high, value)
        if len(self._first) < FIRST[-1]:
            self._first.append(value)
            if len(self._first) in FIRST:
                chance = len(FIRST) * rank_test(self._reference, self._first)
                self._otherwise = max(self._otherwise, 1 / max(chance, 1 / ENOUGH))

    @property
    def more(self) -> float:
        """That values have become larger."""
        return sum(self._more) / len(BETS)

    @property
    def less(self) -> float:
        """That values have become smaller."""
        return sum(self._less) / len(BETS)

    @property
    def total(self) -> float:
        """That they have changed, either way."""
        return max((self.more + self.less) / 2, self._otherwise)


def _bet(before: Sequence[float], p: float) -> list[float]:
    each = zip(before, BETS, strict=True)
    return [min(ENOUGH, (1 + one) * bet * max(p, 1e-12) ** (bet - 1)) for one, bet in each]


def rank_test(before: Sequence[float], after: Sequence[float]) -> float:
    """How likely two samples of the same kind differ in their ranks so much, either way; `before` is sorted.

    The test of Mann and Whitney in its normal approximation, with its correction for equal values.
    """
    pairs, count = len(before) * len(after), len(before) + len(after)
    wins = sum(bisect.bisect_left(before, value) + bisect.bisect_right(before, value) for value in after) / 2
    equal = sum(times**3 - times for times in Counter([*before, *after]).values())
    variance = pairs / 12 * (count + 1 - equal / (count * (count - 1)))
    return math.erfc(abs(wins - pairs / 2) / math.sqrt(2 * variance)) if variance > 0 else 1.0
