"""The record's database, as the rest of the program sees it. It may be used from several threads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from inspector.errors import StoreError
from inspector.record import queries, writing
from inspector.record.csv_text import csv_lines
from inspector.record.database import Database
from inspector.record.rows import (
    AlarmRow,
    CameraCounts,
    Cursor,
    FoundPart,
    HourCounts,
    Judged,
    Label,
    PartFilter,
    PartKey,
    PartRow,
    Place,
    RunRow,
    ScorePoint,
    ThresholdRow,
)
from inspector.record.tables import EPOCH, HOUR, Alarm, HourTally, Part, Run, ThresholdChange
from inspector.records import Counts, Verdict, sum_of

EVERYTHING = PartFilter()
AT_ONCE = 1000  # parts read together where all are wanted


class Store(Database):
    """Writes parts and answers questions about them. Every method raises StoreError, in one line."""

    # --- what the line writes ---

    def begin_run(self, run: RunRow) -> None:
        """Add a run; one that is there stays as it is."""
        with self.changing() as connection:
            writing.insert_run(connection, run)

    def end_run(self, run_id: str, utc: datetime) -> None:
        """Note that a run ended in order."""
        with self.changing() as connection:
            connection.execute(update(Run).where(Run.id == run_id).values(ended_utc=utc))

    def write(self, rows: Sequence[PartRow]) -> int:
        """Add parts of runs that have begun, all or none; those that are there stay as they are. Returns how many
        were new.
        """
        with self.changing() as connection:
            return writing.insert_parts(connection, rows)

    def write_from_log(self, rows: Sequence[PartRow]) -> int:
        """Add parts as `write` does, but for those whose rows were removed because they were too old."""
        with self.changing() as connection:
            return writing.insert_parts(connection, writing.not_forgotten(connection, rows))

    def forget(self, verdicts: Sequence[Verdict], hour: int, limit: int) -> int:
        """Remove the rows of parts with these verdicts that were captured in an hour (since 1970), at most `limit`.

        Parts that people judged stay; so do the counts. Returns how many went.
        """
        with self.changing() as connection:
            return writing.forget_parts(connection, verdicts, hour, limit)

    def raise_alarm(self, alarm: AlarmRow) -> int:
        """Note an alarm; returns its number."""
        values = {"utc": alarm.utc, "camera": alarm.camera, "kind": alarm.kind, "text": alarm.text}
        with self.changing() as connection:
            return int(connection.execute(insert(Alarm).values(**values).returning(Alarm.id)).scalar_one())

    def end_alarm(self, number: int, utc: datetime) -> None:
        """Note that an alarm is over."""
        with self.changing() as connection:
            connection.execute(update(Alarm).where(Alarm.id == number).values(ended_utc=utc))

    # --- what people say ---

    def judge(self, keys: Sequence[PartKey], label: Label | None, who: str, utc: datetime) -> int:
        """Note what somebody says of parts; None withdraws what was said before. Returns how many of them there are."""
        with self.changing() as connection:
            return writing.insert_judgements(connection, keys, label, who, utc)

    def change_threshold(self, change: ThresholdRow) -> None:
        """Note that somebody moved a threshold."""
        names = ("product", "old", "new", "who", "utc", "recipe_hash")
        with self.changing() as connection:
            connection.execute(insert(ThresholdChange).values({name: getattr(change, name) for name in names}))

    # --- what is asked ---

    def parts(
        self,
        wanted: PartFilter = EVERYTHING,
        *,
        before: Cursor | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> list[FoundPart]:
        """A page of parts, newest first: the newest, or those next to a cursor: older (`before`) or newer (`after`)."""
        if after is not None:
            return self._page(wanted, after, limit, newest_first=False)[::-1]
        return self._page(wanted, before, limit, newest_first=True)

    def each(self, wanted: PartFilter = EVERYTHING) -> Iterator[FoundPart]:
        """All parts, oldest first, a thousand at a time: nothing is held open in between."""
        cursor: Cursor | None = None
        while found := self._page(wanted, cursor, AT_ONCE, newest_first=False):
            yield from found
            cursor = found[-1].cursor

    def withdrawn(self, product: str) -> list[FoundPart]:
        """The parts of a product of which somebody took back what was said before."""
        with self.reading() as connection:
            return _found(connection, queries.withdrawn(product))

    def part(self, key: PartKey) -> FoundPart | None:
        """One part, or None where the record lacks it."""
        named = (Part.run_id == key.run_id, Part.camera == key.camera, Part.number == key.number)
        with self.reading() as connection:
            return next(iter(_found(connection, select(*queries.COLUMNS).where(*named))), None)

    def counts(self, wanted: PartFilter = EVERYTHING) -> Counts:
        """How many parts got which verdict."""
        return sum_of(counts for _, counts in self._counted_by(wanted, "verdict"))

    def causes(self, wanted: PartFilter = EVERYTHING) -> dict[str, int]:
        """How many parts were missed for which cause; most first."""
        sums = {cause: counts.captured for (cause,), counts in self._counted_by(wanted, "cause") if cause}
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def per_hour(self, wanted: PartFilter = EVERYTHING) -> list[HourCounts]:
        """The counts of each hour that has parts, oldest first."""
        return [HourCounts(EPOCH + hour * HOUR, counts) for (hour,), counts in self._counted_by(wanted, "hour")]

    def per_camera(self, wanted: PartFilter = EVERYTHING) -> list[CameraCounts]:
        """The counts of each product in front of each camera, by their names."""
        found = self._counted_by(wanted, "product", "camera")
        return [CameraCounts(product, camera, counts) for (product, camera), counts in found]

    def worst_places(self, wanted: PartFilter = EVERYTHING, bins: tuple[int, int] = (8, 8)) -> list[Place]:
        """Where failed parts were strangest, in fields of the picture, `bins` = (rows, cols); most first."""
        with self.reading() as connection:
            self._refuse_many(connection, wanted)
            return [Place(*map(int, row)) for row in connection.execute(queries.places(wanted, *bins))]

    def recent_scores(self, camera: str, n: int = 200) -> list[ScorePoint]:
        """The last parts of a camera, oldest first."""
        found = self.parts(PartFilter(camera=camera), limit=n)[::-1]
        rows = [each.row for each in found]
        return [ScorePoint(row.number, row.captured_utc, row.score, row.threshold, row.verdict) for row in rows]

    def hours_kept(self, verdicts: Sequence[Verdict], before: datetime) -> list[int]:
        """The hours (since 1970) wholly before a time that have rows of parts with these verdicts, oldest first."""
        with self.reading() as connection:
            return list(connection.scalars(queries.hours_kept(verdicts, before)))

    def runs(self, limit: int = 100) -> list[RunRow]:
        """The newest runs, newest first."""
        columns = (Run.id, Run.started_utc, Run.host, Run.command, Run.version, Run.ended_utc)
        with self.reading() as connection:
            query = select(*columns).order_by(Run.started_utc.desc()).limit(limit)
            return [RunRow(*row) for row in connection.execute(query)]

    def products(self) -> list[str]:
        """Every product of which there are parts, by name."""
        with self.reading() as connection:
            return sorted(connection.scalars(select(HourTally.product).distinct()))

    def cameras(self) -> list[str]:
        """Every camera of which there are parts, by name."""
        with self.reading() as connection:
            return sorted(connection.scalars(select(HourTally.camera).distinct()))

    def threshold_changes(self, product: str | None = None, limit: int = 100) -> list[ThresholdRow]:
        """Who moved which threshold, newest first."""
        table = ThresholdChange
        columns = (table.product, table.old, table.new, table.who, table.utc, table.recipe_hash)
        query = select(*columns).order_by(table.id.desc()).limit(limit)
        with self.reading() as connection:
            found = connection.execute(query if product is None else query.where(table.product == product))
            return [ThresholdRow(*row) for row in found]

    def alarms(self, *, open_only: bool = False, limit: int = 100) -> list[AlarmRow]:
        """The newest alarms, newest first."""
        columns = (Alarm.utc, Alarm.camera, Alarm.kind, Alarm.text, Alarm.ended_utc, Alarm.id)
        query = select(*columns).order_by(Alarm.id.desc()).limit(limit)
        with self.reading() as connection:
            found = connection.execute(query.where(Alarm.ended_utc.is_(None)) if open_only else query)
            return [AlarmRow(*row) for row in found]

    def export_csv(self, wanted: PartFilter = EVERYTHING) -> Iterator[str]:
        """The parts as lines of CSV, oldest first, after a head; may be streamed."""
        return csv_lines(self.each(wanted))

    def _page(self, wanted: PartFilter, cursor: Cursor | None, limit: int, *, newest_first: bool) -> list[FoundPart]:
        with self.reading() as connection:
            if queries.in_tallies(wanted):
                hours = connection.execute(queries.hours(wanted, cursor, limit + 1, newest_first)).all()
                if not hours:
                    return []
                wanted = queries.narrowed(wanted, hours, limit)
            self._refuse_many(connection, wanted)
            index = queries.index_for(wanted)
            return _found(connection, queries.page(wanted, cursor, limit, newest_first, index))

    def _refuse_many(self, connection: Connection, wanted: PartFilter) -> None:
        """An index finds parts by how their ids begin, but not the newest of millions."""
        if wanted.part and connection.scalar(queries.named(wanted.part)) == queries.MANY:
            raise StoreError(f"{queries.MANY:,} parts or more have ids that begin with {wanted.part}: give more of it")

    def _counted_by(self, wanted: PartFilter, *names: str) -> list[tuple[tuple[Any, ...], Counts]]:
        with self.reading() as connection:
            self._refuse_many(connection, wanted)
            found = connection.execute(queries.counted_by(wanted, *names))
            return [(tuple(row[:-3]), Counts(*map(int, row[-3:]))) for row in found]


def _found(connection: Connection, query: Any) -> list[FoundPart]:
    """The parts of a query, each with the newest word on it."""
    rows = connection.execute(query).mappings().all()
    words = connection.execute(queries.newest_judgements([row["id"] for row in rows])) if rows else ()
    said = {part_id: Judged(Label(label), who, utc) for part_id, label, who, utc in words if label}
    return [FoundPart(row["id"], queries.row_of(row), said.get(row["id"])) for row in rows]
