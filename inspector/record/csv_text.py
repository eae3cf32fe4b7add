"""Parts as CSV, for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum

from inspector.record.rows import FoundPart, PartRow
from inspector.sinks.log_row import csv_line, iso

NAMES = tuple(PartRow.__dataclass_fields__)
HEAD = (*NAMES, "label", "labelled_by", "labelled_utc")


def csv_lines(found: Iterable[FoundPart]) -> Iterator[str]:
    """Yield a head, then a line for each part, each with its end."""
    yield csv_line(HEAD)
    for each in found:
        values: list[object] = [getattr(each.row, name) for name in NAMES]
        judged = each.judged
        values += (judged.label, judged.who, judged.utc) if judged else ("", "", "")
        yield csv_line(map(_plain, values))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value, "milliseconds")
    return value.value if isinstance(value, Enum) else value
