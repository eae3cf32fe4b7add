"""The record behind the pages: opened when it can be, for a line that starts must not wait for a database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from inspector.errors import StoreError
from inspector.record.store import Store

RETRY_S = 2.0


class RecordLink:
    """The record, if one is kept, as far as it could be opened. Any thread may ask.

    It is tried at once, within `with` again every `retry_s`, and closed at its end.
    """

    def __init__(self, open_store: Callable[[], Store] | None = None, retry_s: float = RETRY_S) -> None:
        self._open_store = open_store
        self._retry_s = retry_s
        self._store: Store | None = None
        self._trouble = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if open_store is not None:
            self._try(open_store)

    @classmethod
    def to(cls, store: Store | None) -> RecordLink:
        """A link to a record that is open, or to none."""
        return cls((lambda: store) if store else None)

    @property
    def store(self) -> Store | None:
        """The record; None where there is none, or none yet."""
        return self._store

    @property
    def trouble(self) -> str:
        """Why the record cannot be opened, in one line; empty where it is open, or none is kept."""
        return self._trouble

    def __enter__(self) -> RecordLink:
        if self._open_store is not None and self._store is None:
            self._thread = threading.Thread(
                target=self._keep_trying, args=(self._open_store,), name="page-record", daemon=True
            )
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._store is not None:
            self._store.close()

    def _keep_trying(self, open_store: Callable[[], Store]) -> None:
        while self._store is None and not self._ended.wait(self._retry_s):
            self._try(open_store)

    def _try(self, open_store: Callable[[], Store]) -> None:
        try:
            self._store = open_store()
            self._trouble = ""
        except StoreError as error:
            self._trouble = str(error)
