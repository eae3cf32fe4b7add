"""Drift of every camera of a run: watched as its parts are written, told, and kept as an alarm in the record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from inspector.record.bookkeeping import CameraLooks
from inspector.record.drift import DriftWatch, GoodScores, News
from inspector.record.rows import PartRow
from inspector.record.store import Store

_logger = logging.getLogger(__name__)


class DriftAlarms:
    """Takes the parts of all cameras, in order for each. `good_scores`: held-out scores of a model by its hash."""

    def __init__(self, good_scores: GoodScores, utc_now: Callable[[], datetime]) -> None:
        self._good_scores = good_scores
        self._utc_now = utc_now
        self._watches: dict[str, DriftWatch] = {}  # by camera
        self._numbers: dict[str, int] = {}  # of their alarms in the record, by camera

    def take(self, store: Store, rows: Sequence[PartRow]) -> None:
        """Look at parts that were written. Raises StoreError."""
        for row in rows:
            if row.camera not in self._watches:
                self._watches[row.camera] = DriftWatch(self._good_scores, CameraLooks(store, row.camera))
            if news := self._watches[row.camera].take(row):
                self._tell(store, news)

    def _tell(self, store: Store, news: News) -> None:
        if news.over:
            _logger.warning("%s is over", news.alarm.kind)
            store.end_alarm(self._numbers[news.alarm.camera], self._utc_now())
        else:
            _logger.warning("%s", news.alarm.text)
            self._numbers[news.alarm.camera] = store.raise_alarm(news.alarm)
