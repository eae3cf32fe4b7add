"""Spans of time that people ask about: a shift, a day, from one time to another. In the machine's own time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from inspector.errors import DataError

SHIFTS = (6, 14, 22)  # hours at which a shift begins


@dataclass(frozen=True, slots=True)
class Period:
    """From a time on, to before another; both aware."""

    since: datetime
    until: datetime

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} (UTC{self.since:%z})"


def shift(now: datetime, ago: int, starts: Sequence[int] = SHIFTS) -> Period:
    """The shift of `now` (aware), or one so many shifts ago. Raises DataError where the hours are none."""
    if not starts or any(not 0 <= hour < 24 for hour in starts):
        raise DataError(f"shifts: wants hours from 0 to 23, got {','.join(map(str, starts)) or 'none'}")
    days = range(-2 - ago, 2)
    times = sorted({_local(now.date() + timedelta(days=day), hour) for day in days for hour in starts})
    begun = [begin for begin in times if begin <= now]
    number = len(begun) - 1 - ago
    return Period(times[number], times[number + 1])


def day(which: date) -> Period:
    """A day, from midnight to midnight."""
    return Period(_local(which, 0), _local(which + timedelta(days=1), 0))


def between(since: str, until: str | None, now: datetime) -> Period:
    """From one time to another, as 2026-03-01 or 2026-03-01T14:30; without the second, to `now`. Raises DataError."""
    period = Period(_parse(since), now if until is None else _parse(until))
    if period.since >= period.until:
        raise DataError(f"--from {since}: wants a time before --to {until or 'now'}")
    return period


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise DataError(f"{text}: wants a time like 2026-03-01 or 2026-03-01T14:30") from None


def _local(which: date, hour: int) -> datetime:
    """In the zone of this machine, summer time included."""
    return datetime.combine(which, time(hour)).astimezone()
