"""Options that the verbs about the record have in common."""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path

from inspector.cli import whole_number
from inspector.record import periods
from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.opening import DEFAULT


def add_record(parser: argparse.ArgumentParser) -> None:
    """Which record, and which archive."""
    parser.add_argument(
        "--record",
        default=DEFAULT,
        metavar="FILE|URL",
        help=f"postgresql://USER@HOST/NAME, or a file (default: {DEFAULT})",
    )
    parser.add_argument(
        "--archive", type=Path, default=Path("archive"), metavar="DIR", help="pictures of parts (default: archive/)"
    )


def add_period(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Which parts, by time."""
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument(
        "--shift", type=whole_number(0), nargs="?", const=0, metavar="AGO", help="this shift, or one so many shifts ago"
    )
    which.add_argument("--day", type=_day, nargs="?", const=date.min, metavar="DATE", help="today, or 2026-03-01")
    which.add_argument("--from", dest="since", metavar="TIME", help="as 2026-03-01 or 2026-03-01T14:30")
    parser.add_argument("--to", dest="until", metavar="TIME", help="likewise (default: now)")
    parser.add_argument(
        "--shifts", type=_hours, default=periods.SHIFTS, metavar="HOURS", help="when shifts begin (default: 6,14,22)"
    )


def period_of(arguments: argparse.Namespace, now: datetime) -> periods.Period | None:
    """The period that was asked for; None where none was. Raises DataError."""
    if arguments.shift is not None:
        return periods.shift(now, arguments.shift, arguments.shifts)
    if arguments.day is not None:
        return periods.day(now.date() if arguments.day == date.min else arguments.day)
    return None if arguments.since is None else periods.between(arguments.since, arguments.until, now)


def archive_of(arguments: argparse.Namespace) -> Archive:
    """The archive, to look into."""
    return Archive(ArchiveSettings(arguments.archive))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"wants a day like 2026-03-01, got {text!r}") from None


def _hours(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(hour) for hour in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"wants hours like 6,14,22, got {text!r}") from None
