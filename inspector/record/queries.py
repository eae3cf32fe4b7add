"""What is asked of the record, as statements of SQL: bounded, whatever the record holds.

Counts come from the tallies of whole hours, and from single parts only in the hours that a filter cuts. Pages of parts
are found by where the last one ended, never by counting off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Executable,
    Integer,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.expression import SelectBase

from inspector.record.rows import Cursor, PartFilter, PartRow
from inspector.record.tables import HOUR_US, HourTally, Judgement, Part, microseconds
from inspector.records import Verdict

NAMES = tuple(field.name for field in dataclasses.fields(PartRow))
COLUMNS = (Part.id, *(getattr(Part, name) for name in NAMES))
LAST = "\U0010ffff"  # sorts after every other character

Condition: TypeAlias = ColumnElement[bool]
# Partial indices serve only where the statement has their very words.
REJECTED: Condition = literal_column("parts.verdict <> 'pass'", Boolean)
FAILED: Condition = literal_column("parts.verdict = 'fail'", Boolean)
NAMED: Condition = literal_column("parts.part <> ''", Boolean)


def row_of(found: Mapping[Any, Any]) -> PartRow:
    """A row of the table parts as plain data."""
    values = {name: found[name] for name in NAMES}
    return PartRow(**(values | {"verdict": Verdict(values["verdict"])}))


def page(wanted: PartFilter, cursor: Cursor | None, limit: int, newest_first: bool) -> SelectBase:
    """The parts beyond a place in the history, nearest first."""
    order = (Part.captured_utc, Part.id)
    query = select(*COLUMNS).where(*conditions(wanted)).limit(limit)
    if cursor is not None:
        place = tuple_(*order)
        at = tuple_(cursor.captured_utc, cursor.id, types=[Part.captured_utc.type, Part.id.type])
        query = query.where(place < at if newest_first else place > at)
    return query.order_by(*(column.desc() if newest_first else column for column in order))


def conditions(wanted: PartFilter) -> list[Condition]:
    """The filter as conditions on parts."""
    found = _equal(wanted, Part) + _times(wanted.since, wanted.until)
    if wanted.cause is not None:
        found.append(Part.cause == wanted.cause)
    if wanted.verdicts and Verdict.PASS not in wanted.verdicts:
        found.append(REJECTED)
    if wanted.part:
        found += [NAMED, Part.part >= wanted.part, Part.part < wanted.part + LAST]
    if wanted.label is not None:
        found.append(Part.id.in_(select(Judgement.part_id).where(_newest(), Judgement.label == wanted.label.value)))
    if wanted.archived is not None:
        found.append(Part.image_path.is_not(None) if wanted.archived else Part.image_path.is_(None))
    if wanted.model_hash is not None:
        found.append(Part.model_hash == wanted.model_hash)
    return found


def tallies(wanted: PartFilter) -> SelectBase:
    """(hour, verdict, cause, parts) of what the filter means; the same hour may come more than once."""
    if not _in_tallies(wanted):
        return _single(*conditions(wanted))
    first, last = _whole_hours(wanted)
    if first is not None and last is not None and first >= last:  # less than an hour
        return _single(*conditions(wanted))
    whole = select(HourTally.hour, HourTally.verdict, HourTally.cause, HourTally.parts).where(
        *_equal(wanted, HourTally),
        *([] if first is None else [HourTally.hour >= first]),
        *([] if last is None else [HourTally.hour < last]),
        *([] if wanted.cause is None else [HourTally.cause == wanted.cause]),
    )
    edges = [
        *([] if first is None else [_captured_us() < first * HOUR_US]),
        *([] if last is None else [_captured_us() >= last * HOUR_US]),
    ]
    if not edges:
        return whole
    both = union_all(whole, _single(*conditions(wanted), or_(*edges))).subquery()
    return select(both.c.hour, both.c.verdict, both.c.cause, both.c.parts)


def newest_judgements(part_ids: list[int]) -> Executable:
    """The newest word on each of these parts."""
    columns = (Judgement.part_id, Judgement.label, Judgement.who, Judgement.utc)
    return select(*columns).where(_newest(Judgement.part_id.in_(part_ids)))


def places(wanted: PartFilter, rows: int, cols: int) -> Executable:
    """(row, col, parts) of failed parts, by the field of the picture that was strangest; most first."""
    row = _bin(Part.worst_y, rows)
    col = _bin(Part.worst_x, cols)
    count = func.count()
    query = select(row.label("row"), col.label("col"), count.label("parts"))
    query = query.where(*conditions(wanted), FAILED, Part.worst_x.is_not(None))
    return query.group_by(row, col).order_by(count.desc())


def _bin(share: Any, bins: int) -> ColumnElement[int]:
    """Which of `bins` fields a share of 0 to 1 lies in."""
    field = cast(func.floor(share * bins), Integer)
    return case((share >= 1, bins - 1), else_=field)


def _equal(wanted: PartFilter, table: type[Part] | type[HourTally]) -> list[Condition]:
    """What both tables have."""
    given = {"run_id": wanted.run_id, "camera": wanted.camera, "product": wanted.product}
    found: list[Condition] = [getattr(table, name) == value for name, value in given.items() if value is not None]
    if wanted.verdicts:
        found.append(table.verdict.in_([verdict.value for verdict in wanted.verdicts]))
    return found


def _times(since: datetime | None, until: datetime | None) -> list[Condition]:
    return [
        *([] if since is None else [Part.captured_utc >= since]),
        *([] if until is None else [Part.captured_utc < until]),
    ]


def _newest(*which: Condition) -> Condition:
    return Judgement.id.in_(select(func.max(Judgement.id)).where(*which).group_by(Judgement.part_id))


def _in_tallies(wanted: PartFilter) -> bool:
    """Whether the tallies tell these parts from others."""
    return not wanted.part and wanted.label is None and wanted.archived is None and wanted.model_hash is None


def _whole_hours(wanted: PartFilter) -> tuple[int | None, int | None]:
    """The first hour that is meant as a whole, and the first after those."""
    first = None if wanted.since is None else -(-microseconds(wanted.since) // HOUR_US)
    last = None if wanted.until is None else microseconds(wanted.until) // HOUR_US
    return first, last


def _single(*which: Condition) -> SelectBase:
    one = literal_column("1", BigInteger).label("parts")
    cause = func.coalesce(Part.cause, "").label("cause")
    return select((_captured_us() // HOUR_US).label("hour"), Part.verdict, cause, one).where(*which)


def _captured_us() -> ColumnElement[int]:
    return type_coerce(Part.captured_utc, BigInteger)
