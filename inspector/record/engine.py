"""The connection to the database: SQLite in WAL mode, or a PostgreSQL server; and its errors in one line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy
from sqlalchemy import Connection, Engine, FromClause, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from inspector.errors import DependencyError, StoreError
from inspector.text import shortened

# What a power cut may take: `normal` the last transactions, `full` nothing that was committed. See docs/record.md.
Synchronous = Literal["normal", "full"]
WRITES = "line_inspector_writes"  # option of a connection that is going to write

# What the engines say, and what the user is told. The first that is found in the message counts.
ADVICE = (
    ("database is locked", "is locked by another program: close what holds it, then try again"),
    ("not a database", "is no database of this program: give another file"),
    ("malformed", "is damaged: restore it from a copy; the logs have every verdict"),
    ("unable to open", "cannot be opened: give a file in a folder that can be written"),
    ("readonly", "cannot be written: change the rights of the file and of its folder"),
    ("disk is full", "cannot be written: the disk is full"),
    ("No space left", "cannot be written: the server's disk is full"),
    ("disk I/O error", "cannot be written: the disk reports an error; it may be full"),
    ("password authentication failed", "refuses this user or password"),
    ("does not exist", "refuses: {reason}"),
    ("lock timeout", "is locked by another program: close what holds it, then try again"),
)


def parse_url(text: str) -> URL:
    """A database's URL; a file's path stands for SQLite. Raises StoreError."""
    if "://" not in text:
        return URL.create("sqlite", database=os.path.abspath(text))
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError(f"{text}: no database's address: give a file, or postgresql://USER@HOST/NAME") from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{name_of(url)}: wants SQLite or PostgreSQL: give a file, or postgresql://USER@HOST/NAME")
    if url.get_backend_name() == "sqlite" and not url.database:
        raise StoreError(f"{text}: names no file: give one, as sqlite:///record.db")
    return url


def name_of(url: URL) -> str:
    """What a message calls the database: the file, or the address without its password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def open_engine(url: URL, synchronous: Synchronous, timeout_s: float) -> Engine:
    """An engine whose connections wait `timeout_s` for a lock. Raises StoreError, DependencyError. Connects to nothing
    yet.
    """
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, synchronous, timeout_s)
    try:
        commit = "on" if synchronous == "full" else "off"
        options = f"-c timezone=UTC -c synchronous_commit={commit} -c lock_timeout={round(timeout_s * 1000)}"
        return sqlalchemy.create_engine(
            url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": max(2, round(timeout_s))}
        )
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"{error.name} is not installed: pip install '.[station]' in the project's folder"
        ) from None
    except (NoSuchModuleError, SQLAlchemyError) as error:
        raise StoreError(f"{name_of(url)}: cannot be used ({error})") from None


@contextmanager
def one_line(url: URL) -> Iterator[None]:
    """What the database complains about within becomes a StoreError, in one line."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(complaint(url, str(error.orig))) from error
    except sqlite3.Error as error:  # from what SQLAlchemy does not wrap
        raise StoreError(complaint(url, str(error))) from error


def complaint(url: URL, reason: str) -> str:
    """What the user is told of the engine's own message."""
    said = shortened(" ".join(reason.split()), 200)
    for found, advice in ADVICE:
        if found in reason:
            return f"{name_of(url)}: the record {advice.format(reason=said)}"
    return f"{name_of(url)}: the record cannot be used ({said})"


def _open_sqlite(url: URL, synchronous: Synchronous, timeout_s: float) -> Engine:
    folder = Path(str(url.database)).parent
    if not folder.is_dir():
        raise StoreError(f"{url.database}: the record cannot be opened: there is no folder {folder}")
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": timeout_s})
    mode = synchronous.upper()

    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says so, see `begin`
        for pragma in ("journal_mode=WAL", f"synchronous={mode}", "foreign_keys=ON", "cache_size=-65536"):
            _set(connection, pragma, timeout_s)

    engine.dialect.statement_compiler = _WithIndexHints
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin)
    return engine


def _set(connection: sqlite3.Connection, pragma: str, timeout_s: float) -> None:
    """Wait for a lock here, too: SQLite refuses at once where two open a new file in the same moment."""
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            return connection.execute(f"PRAGMA {pragma}").close()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= until_s:
                raise
            time.sleep(0.02)


class _WithIndexHints(SQLiteCompiler):
    """SQLAlchemy drops hints for SQLite, which has one: INDEXED BY. Without statistics its own choice is often poor."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def _begin(connection: Connection) -> None:
    """Who is going to write takes the lock at once: a reader that becomes a writer may be refused without waiting."""
    options: dict[str, Any] = dict(connection.get_execution_options())
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
