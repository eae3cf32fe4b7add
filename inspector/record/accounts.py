"""Who may act on a station: accounts and their sessions. Passwords and tokens are kept as hashes only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from sqlalchemy import ForeignKey, delete, exists, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from inspector.errors import StoreError
from inspector.record.store import Store
from inspector.record.tables import Base

IDLE = timedelta(hours=12)  # a session that nobody used for a shift is over
ROLES = ("viewer", "operator", "engineer")


class Account(Base):
    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    password_hash: Mapped[str]  # argon2id, with its parameters
    created_utc: Mapped[datetime]


class Session(Base):
    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("accounts.name", ondelete="CASCADE"), index=True)
    created_utc: Mapped[datetime]
    used_utc: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Somebody who may log in."""

    name: str
    role: str
    created_utc: datetime


class Accounts:
    """The accounts of a station. Every method raises StoreError."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def any(self) -> bool:
        """Whether there are accounts at all."""
        with self.store.reading() as connection:
            return bool(connection.execute(select(exists(select(Account.name)))).scalar_one())

    def all(self) -> list[AccountRow]:
        """All of them, by name."""
        query = select(Account.name, Account.role, Account.created_utc).order_by(Account.name)
        with self.store.reading() as connection:
            return [AccountRow(*row) for row in connection.execute(query)]

    def password_hash(self, name: str) -> str | None:
        """The hash of somebody's password; None where there is no such account."""
        with self.store.reading() as connection:
            return connection.execute(select(Account.password_hash).where(Account.name == name)).scalar_one_or_none()

    def put(self, name: str, role: str, password_hash: str) -> None:
        """Add an account, or give it another role and password, which ends its sessions."""
        values = {"role": role, "password_hash": password_hash}
        with self.store.changing() as connection:
            connection.execute(delete(Session).where(Session.name == name))
            changed = connection.execute(update(Account).where(Account.name == name).values(values))
            if not changed.rowcount:
                created = {"name": name, "created_utc": datetime.now(timezone.utc)}
                connection.execute(insert(Account).values(values | created))

    def remove(self, name: str) -> None:
        """Remove an account and its sessions. Raises StoreError where there is none."""
        with self.store.changing() as connection:
            connection.execute(delete(Session).where(Session.name == name))
            if not connection.execute(delete(Account).where(Account.name == name)).rowcount:
                raise StoreError(f"no account {name}: see `line-inspector account list`")

    def begin_session(self, name: str, token: str) -> None:
        """Remember that who has this token is `name`."""
        now = datetime.now(timezone.utc)
        values = {"token_hash": token_hash(token), "name": name, "created_utc": now, "used_utc": now}
        with self.store.changing() as connection:
            connection.execute(delete(Session).where(Session.used_utc < now - IDLE))
            connection.execute(insert(Session).values(values))

    def end_session(self, token: str) -> None:
        """Forget a token."""
        with self.store.changing() as connection:
            connection.execute(delete(Session).where(Session.token_hash == token_hash(token)))

    def whose(self, token: str) -> AccountRow | None:
        """Who has this token; None where nobody has, or it was not used for too long."""
        now = datetime.now(timezone.utc)
        query = (
            select(Account.name, Account.role, Account.created_utc, Session.used_utc)
            .join(Session, Session.name == Account.name)
            .where(Session.token_hash == token_hash(token), Session.used_utc >= now - IDLE)
        )
        with self.store.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            return None
        if now - found.used_utc > IDLE / 100:  # not with every request: a page makes many
            with self.store.changing() as connection:
                mine = Session.token_hash == token_hash(token)
                connection.execute(update(Session).where(mine).values(used_utc=now))
        return AccountRow(found.name, found.role, found.created_utc)


def token_hash(token: str) -> str:
    """What is kept of a token: who reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()
