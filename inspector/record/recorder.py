"""Writes parts into the record on a thread of its own, in batches: the line never waits for the database."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from itertools import chain, islice
from pathlib import Path

from inspector.errors import InspectorError
from inspector.record.archive import Archive
from inspector.record.drift import GoodScores
from inspector.record.drift_alarms import DriftAlarms
from inspector.record.log_import import import_logs, import_lost
from inspector.record.retention import Retention, forget
from inspector.record.rows import PartRow, RunRow
from inspector.record.store import Store

_logger = logging.getLogger(__name__)
BATCH = 256  # parts in one transaction
BATCH_S = 0.5  # and no part waits longer
RETRY_S = 5.0
MOST = 20_000  # parts that wait while the database is away; those beyond are in the log only, until it is read again
SWEEP_S = 60.0
FORGET_S = 3600.0  # between two looks for rows that are too old


class Recorder:
    """Takes parts and writes them, at most half a second later.

    Where the database cannot be opened or written, that is told in one line, parts wait, and the line goes on; what
    does not fit in memory is read from the logs when the database is back. `good_scores`, held-out scores of a model by
    its hash, has drift watched. Rows that are too old by `retention` go, a few between two batches. `archive` is swept
    once in a minute, and asked for the pictures of parts that are read from the logs.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        run: RunRow,
        *,
        logs: Path | None = None,
        good_scores: GoodScores | None = None,
        retention: Retention | None = None,
        archive: Archive | None = None,
        utc_now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        retry_s: float = RETRY_S,
        most: int = MOST,
    ) -> None:
        self._open_store = open_store
        self._run = run
        self._logs = logs
        self._drift = DriftAlarms(good_scores, utc_now) if good_scores else None
        self._retention = retention
        self._archive = archive
        self._utc_now = utc_now
        self._retry_s = retry_s
        self._most = most
        self._waiting: deque[PartRow] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._lost: dict[str, range] = {}  # by camera: numbers of parts that are in the log only
        self._trouble = ""
        self._store: Store | None = None
        self._importing: Iterator[int] | None = None
        self._next_sweep_s = 0.0
        self._forgetting: Iterator[int] | None = None
        self._next_forget_s = 0.0
        self._thread = threading.Thread(target=self._work, name="record-database", daemon=True)
        self._thread.start()

    def add(self, row: PartRow) -> None:
        """Take a part; never waits."""
        with self._changed:
            if len(self._waiting) >= self._most:
                self._lose(self._waiting.popleft())
            self._waiting.append(row)
            if len(self._waiting) >= BATCH:
                self._changed.notify_all()

    @property
    def trouble(self) -> str:
        """Why nothing can be written at present; empty where it can."""
        return self._trouble

    def close(self) -> None:
        """Write what waits, and end. Where that cannot be written, the log has it and the next opening reads it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing or self._waiting:
            self._sweep()
            try:
                self._step()
            except InspectorError as error:
                self._tell(str(error))
                if self._closing:
                    break
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, self._retry_s)
        self._end()

    def _step(self) -> None:
        store = self._opened()
        batch = self._batch(wait_s=0 if self._importing else BATCH_S)
        if batch:
            store.write(batch)
            self._written(store, batch)
        elif self._importing and next(self._importing, None) is None:
            self._importing = None
        if self._retention and not self._importing and not self._closing:
            self._forget_some(store, self._retention)

    def _forget_some(self, store: Store, retention: Retention) -> None:
        """Remove a few rows: once in half a second, about, which the line does not notice."""
        if self._forgetting is None and time.monotonic() >= self._next_forget_s:
            self._next_forget_s = time.monotonic() + FORGET_S
            self._forgetting = forget(store, retention, self._utc_now())
        if self._forgetting and next(self._forgetting, None) is None:
            self._forgetting = None

    def _batch(self, wait_s: float) -> list[PartRow]:
        """What waits, a batch at most; it goes on waiting until it is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or len(self._waiting) >= BATCH, wait_s)
            return list(islice(self._waiting, BATCH))

    def _written(self, store: Store, batch: Sequence[PartRow]) -> None:
        with self._changed:
            done = {id(row) for row in batch}
            while self._waiting and id(self._waiting[0]) in done:
                self._waiting.popleft()
            lost, self._lost = self._lost, {}
        if self._trouble:
            _logger.warning("%s: the record is written again", store.name)
            self._trouble = ""
        if lost and self._logs:
            more = import_lost(store, self._logs, self._run.id, lost, self._archive)
            self._importing = chain(self._importing or (), more)
        if self._drift:
            self._drift.take(store, batch)

    def _lose(self, row: PartRow) -> None:
        """The oldest gives way."""
        before = self._lost.get(row.camera, range(row.number, row.number))
        self._lost[row.camera] = range(before.start, row.number + 1)

    def _opened(self) -> Store:
        if self._store is None:
            store = self._open_store()
            store.begin_run(self._run)
            self._store = store
            if self._logs:
                self._importing = import_logs(store, self._logs, self._run.host, self._run.id, self._archive)
        return self._store

    def _sweep(self) -> None:
        if time.monotonic() >= self._next_sweep_s:
            self._next_sweep_s = time.monotonic() + SWEEP_S
            if self._archive:
                self._archive.sweep()

    def _tell(self, error: str) -> None:
        if error != self._trouble:
            _logger.error("%s; the line goes on, its log has every verdict", error)
            self._trouble = error

    def _end(self) -> None:
        lacking = len(self._waiting) + sum(map(len, self._lost.values()))
        if lacking:
            _logger.error("%d parts are in the log only: the record takes them when it is opened next", lacking)
        if self._store is None:
            return
        try:
            self._store.end_run(self._run.id, self._utc_now())
        except InspectorError as error:
            self._tell(str(error))
        self._store.close()
