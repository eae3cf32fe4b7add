"""The database of a record, open: transactions that read, and transactions that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from inspector.record.engine import WRITES, Synchronous, name_of, one_line, open_engine, parse_url
from inspector.record.schema import migrate

if TYPE_CHECKING:
    from typing_extensions import Self


class Database:
    """Whatever of the record needs a transaction takes it from here. It may be used from several threads at once.

    `url` is a file (SQLite) or postgresql://USER@HOST/NAME. The schema is made, or brought up to date, at opening.
    """

    def __init__(self, url: str, *, synchronous: Synchronous = "normal", timeout_s: float = 5.0) -> None:
        """Wait `timeout_s` for a lock that another program holds. Raises StoreError, DependencyError."""
        self._url = parse_url(url)
        self.engine: Engine = open_engine(self._url, synchronous, timeout_s)
        try:
            with one_line(self._url):
                migrate(self.engine, self.name)
        except BaseException:
            self.engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What messages call it: the file, or the address without its password."""
        return name_of(self._url)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreError."""
        with one_line(self._url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction that writes: everything within happens, or nothing. Raises StoreError."""
        with (
            one_line(self._url),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            yield connection
