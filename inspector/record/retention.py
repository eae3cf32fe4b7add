"""How long rows stay: those of passed parts for months, those of rejects for years, what people judged for ever.

Counts by hour, runs, alarms, moved thresholds and the audit trail stay in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from inspector.record.store import Store
from inspector.records import Verdict

AT_ONCE = 500  # rows in one transaction


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days a row stays; 0: for ever."""

    pass_days: int = 90
    reject_days: int = 730


def forget(store: Store, retention: Retention, now: datetime) -> Iterator[int]:
    """Remove the rows that are too old, a few at a time, oldest first; yields how many. Raises StoreError.

    A row goes when the whole hour in which its part was captured is too old. Rows of parts that people judged stay.
    """
    rules = (
        ((Verdict.PASS,), retention.pass_days),
        ((Verdict.FAIL, Verdict.MISSED), retention.reject_days),
    )
    for verdicts, days in rules:
        if not days:
            continue
        for hour in store.hours_kept(verdicts, now - timedelta(days=days)):
            while gone := store.forget(verdicts, hour, AT_ONCE):
                yield gone
