"""The audit trail: every change that somebody made, in rows that are only ever added.

Each row holds the hash of the one before it, so that a row which was changed, left out or put in is noticed. What a
chain alone cannot show is that its end was cut off: note the head that `verify` gives, and hand it in later.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import BigInteger, Connection, insert, select, text
from sqlalchemy.orm import Mapped, mapped_column

from inspector.record.store import Store
from inspector.record.tables import Base, microseconds
from inspector.record.writing import storable

START = "0" * 64  # the hash before the first


class AuditEntry(Base):
    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)  # from 1, without a gap
    utc: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[str]  # JSON, keys sorted
    previous: Mapped[str]
    hash: Mapped[str]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to what, and when."""

    id: int
    utc: datetime
    who: str
    action: str
    subject: str
    details: str  # JSON
    previous: str
    hash: str

    @property
    def expected_hash(self) -> str:
        """What its hash must be."""
        return chain_hash(self.id, self.utc, self.who, self.action, self.subject, self.details, self.previous)


@dataclass(frozen=True, slots=True)
class Verified:
    """What is known of a trail."""

    entries: int  # that are whole and in their place
    head: str  # the hash of the last of them
    wrong: str = ""  # the first thing that is not right; empty where all is
    known_head: bool = True  # whether the head that was handed in is in the chain


def chain_hash(number: int, utc: datetime, who: str, action: str, subject: str, details: str, previous: str) -> str:
    """SHA-256 over a row and the hash of the row before it."""
    said = [number, microseconds(utc), who, action, subject, details, previous]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def append(store: Store, who: str, action: str, subject: str, details: dict[str, object]) -> None:
    """Add a row. Raises StoreError: what cannot be written down must not be done."""
    utc = datetime.now(timezone.utc)
    words = json.dumps(details, sort_keys=True, ensure_ascii=True, default=str)
    with store.changing() as connection:
        _lock(connection)
        newest = select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
        last = connection.execute(newest).one_or_none()
        number, previous = (last.id + 1, last.hash) if last else (1, START)
        who, subject = storable(who), storable(subject)
        found = chain_hash(number, utc, who, action, subject, words, previous)
        connection.execute(
            insert(AuditEntry).values(
                id=number,
                utc=utc,
                who=who,
                action=action,
                subject=subject,
                details=words,
                previous=previous,
                hash=found,
            )
        )


def entries(store: Store, *, before: int | None = None, limit: int = 100) -> list[AuditRow]:
    """The newest rows, newest first; those older than `before` where it is given."""
    query = select(*AuditEntry.__table__.columns).order_by(AuditEntry.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    with store.reading() as connection:
        return [AuditRow(*row) for row in connection.execute(query)]


def verify(store: Store, head: str | None = None) -> Verified:
    """Check every row, oldest first. `head`: a hash that was noted before and must still be there."""
    expected, previous, known = 1, START, head in (None, START)
    query = select(*AuditEntry.__table__.columns).order_by(AuditEntry.id)
    with store.reading() as connection, connection.execution_options(yield_per=1000).execute(query) as rows:
        for found in rows:
            row = AuditRow(*found)
            if wrong := _wrong(row, expected, previous):
                return Verified(expected - 1, previous, wrong, known)
            expected, previous = expected + 1, row.hash
            known = known or row.hash == head
    wrong = "" if known else f"the head {head} that was noted before is not in the trail: its end was cut off"
    return Verified(expected - 1, previous, wrong, known)


def _wrong(row: AuditRow, expected: int, previous: str) -> str:
    if row.id != expected:
        return f"entry {expected} is missing: the next one is {row.id}"
    if row.previous != previous:
        return f"entry {row.id} does not follow the one before it"
    if row.hash != row.expected_hash:
        return f"entry {row.id} was changed"
    return ""


def _lock(connection: Connection) -> None:
    """One writer at a time, so that each row follows the last. SQLite has one anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE audit_entries IN EXCLUSIVE MODE"))
