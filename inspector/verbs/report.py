"""`report`: what happened in a shift, a day, or from one time to another, as a page and as a table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from inspector.errors import DataError
from inspector.files import replacing
from inspector.record.opening import existing_store, needing_station
from inspector.record.options import add_period, add_record, archive_of, period_of
from inspector.record.rows import PartFilter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    add_period(parser, required=True)
    parser.add_argument("--product", help="only this one (default: all)")
    parser.add_argument("--html", type=Path, default=Path("report.html"), metavar="FILE", help="default: report.html")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row per part to FILE, too")
    add_record(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the record, and write page and table."""
    period = period_of(arguments, datetime.now().astimezone())
    assert period is not None  # the parser wants one
    with needing_station():
        from inspector.record.report import gather, page  # noqa: PLC0415  (needs the extra)
    with existing_store(arguments.record) as store:
        report = gather(store, period, arguments.product)
        _write(arguments.html, [page(report, archive_of(arguments))])
        if arguments.csv:
            wanted = PartFilter(since=period.since, until=period.until, product=arguments.product)
            _write(arguments.csv, store.export_csv(wanted))
    print(*report.lines, f"wrote {arguments.html}", sep="\n")
    if arguments.csv:
        print(f"wrote {arguments.csv}")
    return 0


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Write a file, whole or not at all. Raises DataError where it cannot be written."""
    try:
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from None
