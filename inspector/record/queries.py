"""What is asked of the record, as statements of SQL: bounded, whatever the record holds.

Counts come from the tallies of whole hours, and from single parts only in the hours that a filter cuts. Pages of parts
are found by where the last one ended, never by counting off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.expression import SelectBase

from inspector.record.rows import Cursor, PartFilter, PartRow
from inspector.record.tables import EPOCH, HOUR, HOUR_US, HourTally, Judgement, Part, microseconds
from inspector.records import Verdict

NAMES = tuple(field.name for field in dataclasses.fields(PartRow))
COLUMNS = (Part.id, *(getattr(Part, name) for name in NAMES))
MANY = 20_000  # parts with ids that begin alike
LAST = "\U0010ffff"  # sorts after every other character

Condition: TypeAlias = ColumnElement[bool]
# Partial indices serve only where the statement has their very words.
REJECTED: Condition = literal_column("parts.verdict <> 'pass'")
FAILED: Condition = literal_column("parts.verdict = 'fail'")
NAMED: Condition = literal_column("parts.part <> ''")


def row_of(found: Mapping[Any, Any]) -> PartRow:
    """A row of the table parts as plain data."""
    values = {name: found[name] for name in NAMES}
    return PartRow(**(values | {"verdict": Verdict(values["verdict"])}))


def page(wanted: PartFilter, cursor: Cursor | None, limit: int, newest_first: bool, index: str) -> SelectBase:
    """The parts beyond a place in the history, nearest first, by way of an index (SQLite; PostgreSQL finds its own)."""
    order = (Part.captured_utc, Part.id)
    query = select(*COLUMNS).where(*conditions(wanted)).limit(limit)
    if index:
        query = query.with_hint(Part, f"INDEXED BY {index}", "sqlite")
    if cursor is not None:
        place = tuple_(*order)
        at = tuple_(cursor.captured_utc, cursor.id, types=[Part.captured_utc.type, Part.id.type])
        query = query.where(place < at if newest_first else place > at)
    return query.order_by(*(column.desc() if newest_first else column for column in order))


def index_for(wanted: PartFilter) -> str:
    """The index that leads to such parts past the fewest others; empty where that is left to the engine."""
    if wanted.label is not None:
        return ""
    ways = {
        "ix_parts_cause": wanted.cause is not None,
        "ix_parts_part": bool(wanted.part),
        "ix_parts_rejects": bool(wanted.verdicts) and Verdict.PASS not in wanted.verdicts,
        "ix_parts_archived": bool(wanted.archived),
        "ix_parts_product": wanted.product is not None,
        "ix_parts_camera": wanted.camera is not None,
        "ix_parts_captured": True,
    }
    return next(index for index, fits in ways.items() if fits)


def named(prefix: str) -> Executable:
    """How many parts have an id that begins so; counts no further than MANY."""
    return select(func.count()).select_from(select(Part.id).where(*_named(prefix)).limit(MANY).subquery())


def hours(wanted: PartFilter, cursor: Cursor | None, limit: int, newest_first: bool) -> Executable:
    """(hour, parts) of the hours with such parts beyond a place in the history, nearest first."""
    hour = HourTally.hour
    first, last = _hours_touched(wanted)
    query = select(hour, func.sum(HourTally.kept)).where(*_tallied(wanted, first, last), HourTally.kept > 0)
    if cursor is not None:
        at = microseconds(cursor.captured_utc) // HOUR_US
        query = query.where(hour <= at if newest_first else hour >= at)
    return query.group_by(hour).order_by(hour.desc() if newest_first else hour).limit(limit)


def hours_kept(verdicts: Sequence[Verdict], before: datetime) -> Executable:
    """The hours wholly before a time that still have rows of parts with these verdicts, oldest first."""
    hour = HourTally.hour
    these = HourTally.verdict.in_([verdict.value for verdict in verdicts])
    query = select(hour).where(hour < microseconds(before) // HOUR_US, HourTally.kept > 0, these)
    return query.distinct().order_by(hour)


def narrowed(wanted: PartFilter, found: Sequence[tuple[int, int]], limit: int) -> PartFilter:
    """The filter, limited to the hours (nearest first) that have `limit` parts together, and one more: a cursor may
    lie within the first.
    """
    total, kept = 0, []
    for hour, parts in found:
        kept.append(hour)
        if kept[0] != hour:
            total += parts
        if total >= limit:
            break
    since, until = EPOCH + min(kept) * HOUR, EPOCH + (max(kept) + 1) * HOUR
    return dataclasses.replace(
        wanted,
        since=since if wanted.since is None else max(since, wanted.since),
        until=until if wanted.until is None else min(until, wanted.until),
    )


def conditions(wanted: PartFilter) -> list[Condition]:
    """The filter as conditions on parts."""
    found = _equal(wanted, Part) + _times(wanted.since, wanted.until)
    if wanted.cause is not None:
        found.append(Part.cause == wanted.cause)
    if wanted.verdicts and Verdict.PASS not in wanted.verdicts:
        found.append(REJECTED)
    if wanted.part:
        found += _named(wanted.part)
    if wanted.label is not None:
        found.append(Part.id.in_(select(Judgement.part_id).where(_newest(), Judgement.label == wanted.label.value)))
    if wanted.archived is not None:
        found.append(Part.image_path.is_not(None) if wanted.archived else Part.image_path.is_(None))
    if wanted.model_hash is not None:
        found.append(Part.model_hash == wanted.model_hash)
    return found


def tallies(wanted: PartFilter) -> SelectBase:
    """(hour, product, camera, verdict, cause, parts) of what the filter means; the same key may come more than once."""
    if not in_tallies(wanted):
        return _single(*conditions(wanted))
    first, last = _whole_hours(wanted)
    if first is not None and last is not None and first >= last:  # less than an hour
        return _single(*conditions(wanted))
    table = HourTally
    columns = (table.hour, table.product, table.camera, table.verdict, table.cause, table.parts)
    whole = select(*columns).where(*_tallied(wanted, first, last))
    edges = [
        *([] if first is None else [dataclasses.replace(wanted, until=EPOCH + first * HOUR)]),
        *([] if last is None else [dataclasses.replace(wanted, since=EPOCH + last * HOUR)]),
    ]
    cut = [_single(*conditions(edge)) for edge in edges if edge.since != edge.until]
    return select(union_all(whole, *cut).subquery()) if cut else whole


def counted_by(wanted: PartFilter, *names: str) -> Executable:
    """(*names, passed, failed, missed) of each key that has such parts; `names` are columns of `tallies`."""
    found = tallies(wanted).subquery()
    keys = [found.c[name] for name in names]
    verdicts = (Verdict.PASS, Verdict.FAIL, Verdict.MISSED)
    sums = [func.sum(case((found.c.verdict == verdict.value, found.c.parts), else_=0)) for verdict in verdicts]
    return select(*keys, *sums).group_by(*keys).order_by(*keys)


def newest_judgements(part_ids: list[int]) -> Executable:
    """The newest word on each of these parts."""
    columns = (Judgement.part_id, Judgement.label, Judgement.who, Judgement.utc)
    return select(*columns).where(_newest(Judgement.part_id.in_(part_ids)))


def withdrawn(product: str) -> Executable:
    """The parts of a product on which the newest word is none."""
    empty = select(Judgement.part_id).where(_newest(), Judgement.label == "")
    return select(*COLUMNS).where(Part.id.in_(empty), Part.product == product)


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


def _tallied(wanted: PartFilter, first: int | None, last: int | None) -> list[Condition]:
    """The filter as conditions on tallies, from one hour to before another."""
    return [
        *_equal(wanted, HourTally),
        *([] if first is None else [HourTally.hour >= first]),
        *([] if last is None else [HourTally.hour < last]),
        *([] if wanted.cause is None else [HourTally.cause == wanted.cause]),
    ]


def _named(prefix: str) -> list[Condition]:
    return [NAMED, Part.part >= prefix, Part.part < prefix + LAST]


def _times(since: datetime | None, until: datetime | None) -> list[Condition]:
    return [
        *([] if since is None else [Part.captured_utc >= since]),
        *([] if until is None else [Part.captured_utc < until]),
    ]


def _newest(*which: Condition) -> Condition:
    return Judgement.id.in_(select(func.max(Judgement.id)).where(*which).group_by(Judgement.part_id))


def in_tallies(wanted: PartFilter) -> bool:
    """Whether the tallies tell these parts from others."""
    return not wanted.part and wanted.label is None and wanted.archived is None and wanted.model_hash is None


def _whole_hours(wanted: PartFilter) -> tuple[int | None, int | None]:
    """The first hour that is meant as a whole, and the first after those."""
    first = None if wanted.since is None else -(-microseconds(wanted.since) // HOUR_US)
    last = None if wanted.until is None else microseconds(wanted.until) // HOUR_US
    return first, last


def _hours_touched(wanted: PartFilter) -> tuple[int | None, int | None]:
    """The first hour of which a part may be meant, and the first after those."""
    first = None if wanted.since is None else microseconds(wanted.since) // HOUR_US
    last = None if wanted.until is None else -(-microseconds(wanted.until) // HOUR_US)
    return first, last


def _single(*which: Condition) -> SelectBase:
    one = literal_column("1", BigInteger).label("parts")
    cause = func.coalesce(Part.cause, "").label("cause")
    hour = (_captured_us() // HOUR_US).label("hour")
    return select(hour, Part.product, Part.camera, Part.verdict, cause, one).where(*which)


def _captured_us() -> ColumnElement[int]:
    return type_coerce(Part.captured_utc, BigInteger)
