"""How many parts there were in the present shift: those in the record before this run, and those of this run since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from inspector.record.periods import Period, shift
from inspector.record.rows import PartFilter
from inspector.record.store import Store
from inspector.records import Counts


class ShiftCounts:
    """The counts of one camera; asked on one thread at a time."""

    def __init__(
        self,
        store: Store,
        camera: str,
        utc_now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        began: datetime | None = None,
    ) -> None:
        """Ask the record for what came before the run `began` (None: it begins now). Raises StoreError."""
        self._utc_now = utc_now
        self._shift = shift(began or utc_now(), 0)
        self._before = store.counts(PartFilter(since=self._shift.since, until=began, camera=camera))
        self._at_start = Counts()  # of the run, when the shift began

    def __call__(self, run: Counts) -> Counts:
        """The shift's counts, when the run has these."""
        now = shift(self._utc_now(), 0)
        if now != self._shift:
            self._begin(now, run)
        before, start = self._before, self._at_start
        return Counts(
            before.passed + run.passed - start.passed,
            before.failed + run.failed - start.failed,
            before.missed + run.missed - start.missed,
        )

    def _begin(self, now: Period, run: Counts) -> None:
        self._shift, self._before, self._at_start = now, Counts(), run
