"""Of which parts pictures are kept: rejects, passed parts near the threshold, and one passed part in N.

Every reject, as long as rejects are few. Where they are not (a failed lamp, the wrong product), they are much alike.
So each kind has an allowance: AT_ONCE pictures, and another for every PARTS parts that come by. Of 1,000 rejects in a
row the first 222 are kept, and then one in 10; where one part in 10 is rejected, all of them are.
"""

from __future__ import annotations

import logging
from collections import Counter

from inspector.records import Inspection, Verdict

_logger = logging.getLogger(__name__)
AT_ONCE = 200  # pictures of a kind
PARTS = 10  # and one more for so many parts
NEAR = "passed near the threshold"
KINDS = (Verdict.FAIL.value, Verdict.MISSED.value, NEAR)


class Selection:
    """Says of every part whether its pictures are wanted. `left_out` counts by kind those beyond the allowance."""

    def __init__(self, keep_pass_every: int, near: float) -> None:
        """`keep_pass_every`: one passed part in so many, 0: none. `near`: as a share of the threshold."""
        self._keep_pass_every = keep_pass_every
        self._near = near
        self._passes = 0
        self._allowed = dict.fromkeys(KINDS, AT_ONCE * PARTS)  # in tenths of a picture, that is in parts
        self._flood: Counter[str] = Counter()  # left out since its allowance was full
        self.left_out: Counter[str] = Counter()

    def wants(self, inspection: Inspection) -> bool:
        """Whether to keep it. Asked exactly once for each part, in order."""
        self._earn()
        if inspection.image is None:
            return False
        if inspection.verdict is not Verdict.PASS:
            return self._spend(inspection.verdict.value)
        self._passes += 1
        sampled = self._keep_pass_every > 0 and (self._passes - 1) % self._keep_pass_every == 0
        return sampled or (inspection.score >= self._near * inspection.threshold and self._spend(NEAR))

    def close(self) -> None:
        """Tell what was left out of a flood that is not over."""
        for kind in KINDS:
            self._tell(kind)

    def _earn(self) -> None:
        for kind in KINDS:
            self._allowed[kind] = min(AT_ONCE * PARTS, self._allowed[kind] + 1)
            if self._allowed[kind] == AT_ONCE * PARTS:
                self._tell(kind)

    def _tell(self, kind: str) -> None:
        if left_out := self._flood.pop(kind, 0):
            _logger.warning("pictures: %d parts (%s) were left out of the archive", left_out, kind)

    def _spend(self, kind: str) -> bool:
        if self._allowed[kind] >= PARTS:
            self._allowed[kind] -= PARTS
            return True
        if not self._flood[kind]:
            _logger.warning("pictures: too many parts (%s): one in %d is kept until there are fewer", kind, PARTS)
        self._flood[kind] += 1
        self.left_out[kind] += 1
        return False
