"""Rows into the tables. Each function runs in a transaction that its caller has begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from inspector.record.queries import NAMES
from inspector.record.rows import Label, PartKey, PartRow, RunRow
from inspector.record.tables import (
    EPOCH,
    HOUR,
    HOUR_US,
    HourTally,
    Judgement,
    LogFile,
    ModelLooks,
    Part,
    Run,
    microseconds,
)
from inspector.records import Verdict

TALLIED = (Part.captured_utc, Part.product, Part.camera, Part.verdict, Part.cause, Part.run_id)
HOURLY = ("hour", "product", "camera", "verdict", "cause", "run_id")  # the key of a tally
KEYS = 500  # looked up in one statement


def insert_parts(connection: Connection, rows: Sequence[PartRow]) -> int:
    """Add parts that are not there yet, and count them in their hours; returns how many were new."""
    if not rows:
        return 0
    statement = _insert(connection, Part).on_conflict_do_nothing(index_elements=["run_id", "camera", "number"])
    new = connection.execute(statement.returning(*TALLIED), [_values(row) for row in rows]).all()
    _tally(connection, new)
    return len(new)


def not_forgotten(connection: Connection, rows: Sequence[PartRow]) -> list[PartRow]:
    """The rows of parts whose hour has let none go: what was counted once must not come back, and be counted twice."""
    runs = sorted({row.run_id for row in rows})
    tallies = select(*(getattr(HourTally, name) for name in HOURLY))
    found = connection.execute(tallies.where(HourTally.run_id.in_(runs), HourTally.parts > HourTally.kept))
    gone = {tuple(key) for key in found}
    return [row for row in rows if _hour_key(row) not in gone]


def forget_parts(connection: Connection, verdicts: Sequence[Verdict], hour: int, limit: int) -> int:
    """Remove parts of an hour that nobody judged, at most `limit`; returns how many. Their hour's counts stay."""
    begin = EPOCH + hour * HOUR
    old = (
        select(Part.id)
        .where(Part.captured_utc >= begin, Part.captured_utc < begin + HOUR)
        .where(Part.verdict.in_([verdict.value for verdict in verdicts]))
        .where(~exists().where(Judgement.part_id == Part.id))
        .limit(limit)
        .with_for_update(skip_locked=True)  # PostgreSQL: another station may be removing the same, or judging one
    )
    gone = connection.execute(delete(Part).where(Part.id.in_(old)).returning(*TALLIED)).all()
    fewer = {"kept": HourTally.kept - bindparam("gone")}
    mine = [getattr(HourTally, name) == bindparam(f"its_{name}") for name in HOURLY]
    for key, parts in sorted(_hours(gone).items()):
        its = {f"its_{name}": value for name, value in zip(HOURLY, key, strict=True)}
        connection.execute(update(HourTally).where(*mine).values(fewer), its | {"gone": parts})
    return len(gone)


def insert_run(connection: Connection, run: RunRow) -> None:
    """Add a run, if it is not there yet."""
    values = {
        "id": run.id,
        "started_utc": run.started_utc,
        "ended_utc": run.ended_utc,
        "host": storable(run.host),
        "command": storable(run.command),
        "version": run.version,
    }
    connection.execute(_insert(connection, Run).on_conflict_do_nothing(index_elements=["id"]), values)


def insert_judgements(
    connection: Connection, keys: Sequence[PartKey], label: Label | None, who: str, utc: datetime
) -> int:
    """Note one word on many parts; returns how many of them there are."""
    ids = part_ids(connection, keys)
    said = {"label": label.value if label else "", "who": storable(who), "utc": utc}
    if ids:
        connection.execute(_insert(connection, Judgement), [said | {"part_id": number} for number in ids])
    return len(ids)


def note_log_read(connection: Connection, host: str, path: str, read_bytes: int) -> None:
    """Remember how far a log was read."""
    statement = _insert(connection, LogFile).values(host=storable(host), path=storable(path), read_bytes=read_bytes)
    again = {"read_bytes": read_bytes}
    connection.execute(statement.on_conflict_do_update(index_elements=["host", "path"], set_=again))


def keep_looks(connection: Connection, camera: str, model_hash: str, looks: str) -> None:
    """Keep how a model's first pictures looked; what was kept before stays."""
    values = {"camera": storable(camera), "model_hash": model_hash, "looks": looks}
    statement = _insert(connection, ModelLooks).on_conflict_do_nothing(index_elements=["camera", "model_hash"])
    connection.execute(statement, values)


def part_ids(connection: Connection, keys: Sequence[PartKey]) -> list[int]:
    """The numbers of the parts that there are."""
    place = tuple_(Part.run_id, Part.camera, Part.number)
    found: list[int] = []
    for start in range(0, len(keys), KEYS):
        some = [(key.run_id, key.camera, key.number) for key in keys[start : start + KEYS]]
        found += connection.scalars(select(Part.id).where(place.in_(some)))
    return found


def storable(text: str) -> str:
    """The text as both engines take it: a file's name may hold bytes that are no text, or a NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def _values(row: PartRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in NAMES}
    return values | {"verdict": row.verdict.value, "part": storable(row.part), "detail": storable(row.detail)}


def _tally(connection: Connection, new: Iterable[Any]) -> None:
    # Sorted: two writers that take the same rows in another order would wait for each other for ever.
    hours = sorted(_hours(new).items())
    if not hours:
        return
    rows = [dict(zip(HOURLY, key, strict=True)) | {"parts": parts, "kept": parts} for key, parts in hours]
    statement = _insert(connection, HourTally)
    more = {name: getattr(HourTally, name) + statement.excluded[name] for name in ("parts", "kept")}
    connection.execute(statement.on_conflict_do_update(index_elements=list(HOURLY), set_=more), rows)


def _hours(parts: Iterable[Any]) -> Counter[tuple[int, str, str, str, str, str]]:
    """How many of these parts, by the key of their hour's tally."""
    return Counter(
        (microseconds(utc) // HOUR_US, product, camera, verdict, cause or "", run_id)
        for utc, product, camera, verdict, cause, run_id in parts
    )


def _hour_key(row: PartRow) -> tuple[int, str, str, str, str, str]:
    hour = microseconds(row.captured_utc) // HOUR_US
    return hour, row.product, row.camera, row.verdict.value, row.cause or "", row.run_id


def _insert(connection: Connection, table: Any) -> Any:
    """INSERT with ON CONFLICT, which both engines have, each with a construct of its own."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
