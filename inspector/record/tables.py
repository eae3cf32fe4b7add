"""The tables of the record. Times are UTC, stored as whole microseconds since 1970: exact, small, and quick to compare
in both engines.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from sqlalchemy import BigInteger, Dialect, Double, ForeignKey, Index, Integer, MetaData, String, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only where the type is INTEGER

Exact = String().with_variant(String(collation="C"), "postgresql")  # sorted by character, as SQLite does


class Utc(TypeDecorator[datetime]):
    """An aware datetime, as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + int(value) * MICROSECOND


def microseconds(utc: datetime) -> int:
    """Since 1970. Raises TypeError where the time has no zone."""
    return (utc - EPOCH) // MICROSECOND


def _only(name: str, condition: str, *columns: str) -> Index:
    """An index over the few parts of which the condition holds."""
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class Base(DeclarativeBase):
    """What all tables have in common; other tables of the station join by it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc(), float: Double()}  # noqa: RUF012  (as SQLAlchemy wants it)


class Run(Base):
    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    started_utc: Mapped[datetime] = mapped_column(index=True)
    ended_utc: Mapped[datetime | None]
    host: Mapped[str]
    command: Mapped[str]
    version: Mapped[str]


class Part(Base):
    """Its columns are those of PartRow. A number of its own keeps the indices small and orders equal times."""

    __tablename__ = "parts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    camera: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)
    captured_utc: Mapped[datetime]
    captured_ns: Mapped[int | None] = mapped_column(BigInteger)
    product: Mapped[str]
    recipe_hash: Mapped[str]
    model_hash: Mapped[str]
    verdict: Mapped[str]
    part: Mapped[str] = mapped_column(Exact)
    threshold: Mapped[float | None]
    score: Mapped[float | None]
    percentile: Mapped[float | None]
    cause: Mapped[str | None]
    detail: Mapped[str]
    worst_row: Mapped[int | None]
    worst_col: Mapped[int | None]
    worst_x: Mapped[float | None]
    worst_y: Mapped[float | None]
    anomalous_patches: Mapped[int | None]
    region: Mapped[str | None]
    latency_ms: Mapped[float | None]
    wait_ms: Mapped[float | None]
    judge_ms: Mapped[float | None]
    image_path: Mapped[str | None]
    overlay_path: Mapped[str | None]
    brightness: Mapped[float | None]
    focus: Mapped[float | None]
    colour_a: Mapped[float | None]
    colour_b: Mapped[float | None]
    position_x: Mapped[float | None]
    position_y: Mapped[float | None]

    __table_args__ = (
        UniqueConstraint("run_id", "camera", "number"),
        Index("ix_parts_captured", "captured_utc", "id"),
        Index("ix_parts_product", "product", "captured_utc", "id"),
        Index("ix_parts_camera", "camera", "captured_utc", "id"),
        _only("ix_parts_rejects", "verdict <> 'pass'", "captured_utc", "id", "verdict"),
        _only("ix_parts_cause", "cause IS NOT NULL", "cause", "captured_utc", "id"),
        _only("ix_parts_part", "part <> ''", "part", "captured_utc", "id"),
        _only("ix_parts_archived", "image_path IS NOT NULL", "captured_utc", "id"),
        _only("ix_parts_places", "verdict = 'fail'", "captured_utc", "product", "camera", "worst_x", "worst_y"),
    )


class HourTally(Base):
    """How many parts there were in an hour: what the history counts by, for counting ten million rows takes seconds."""

    __tablename__ = "hour_tallies"

    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # hours since 1970
    product: Mapped[str] = mapped_column(primary_key=True)
    camera: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(primary_key=True)
    cause: Mapped[str] = mapped_column(primary_key=True)  # empty where there is none
    run_id: Mapped[str] = mapped_column(primary_key=True)
    parts: Mapped[int] = mapped_column(BigInteger)
    kept: Mapped[int] = mapped_column(BigInteger)  # of them, those that still have a row


class Judgement(Base):
    """What people said of parts. Nothing is overwritten: the newest counts."""

    __tablename__ = "judgements"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"), index=True)
    label: Mapped[str]  # empty: what was said before is withdrawn
    who: Mapped[str]
    utc: Mapped[datetime]


class ThresholdChange(Base):
    __tablename__ = "threshold_changes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    product: Mapped[str] = mapped_column(index=True)
    old: Mapped[float]
    new: Mapped[float]
    who: Mapped[str]
    utc: Mapped[datetime]
    recipe_hash: Mapped[str]


class Alarm(Base):
    __tablename__ = "alarms"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    utc: Mapped[datetime] = mapped_column(index=True)
    camera: Mapped[str]
    kind: Mapped[str]
    text: Mapped[str]
    ended_utc: Mapped[datetime | None]


class LogFile(Base):
    """How far a log was read into the record, in bytes: what comes after it may be lacking."""

    __tablename__ = "log_files"

    host: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    read_bytes: Mapped[int] = mapped_column(BigInteger)


class ModelLooks(Base):
    """How the first pictures of a model looked in front of a camera, as JSON: what drift is measured from."""

    __tablename__ = "model_looks"

    camera: Mapped[str] = mapped_column(primary_key=True)
    model_hash: Mapped[str] = mapped_column(primary_key=True)
    looks: Mapped[str]
