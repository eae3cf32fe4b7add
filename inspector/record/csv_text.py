"""Parts as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum

from inspector.record.rows import FoundPart, PartRow
from inspector.sinks.log import CONTROLS, FORMULA

NAMES = tuple(PartRow.__dataclass_fields__)
HEAD = (*NAMES, "label", "labelled_by", "labelled_utc")


def csv_lines(found: Iterable[FoundPart]) -> Iterator[str]:
    """A head, then a line for each part, each with its end."""
    yield _line(HEAD)
    for each in found:
        values: list[object] = [getattr(each.row, name) for name in NAMES]
        judged = each.judged
        yield _line([*values, *((judged.label, judged.who, judged.utc) if judged else ("", "", ""))])


def _line(values: Iterable[object]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: object) -> object:
    """Text as a spreadsheet may have it: nothing in it is computed, and it stays in its line."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return ("'" if value.startswith(FORMULA) else "") + value.translate(CONTROLS)
    return value
