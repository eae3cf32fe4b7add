"""The live state of all lines, as the API says it."""

from __future__ import annotations

import contextlib
import math
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import cast

from inspector.errors import StoreError
from inspector.page.alarms import alarms
from inspector.page.badges import badges
from inspector.page.control import Running
from inspector.page.feed import Feed, FeedState, Judged
from inspector.page.live import ONLY, Hub
from inspector.page.record_link import RecordLink
from inspector.page.schemas import CameraState, LiveState, Part, Tally, Word
from inspector.page.shift import ShiftCounts
from inspector.record.drift import KIND
from inspector.records import Counts
from inspector.text import finite

CHARTED = 200  # parts in the charts
RECORD_PERIOD_S = 2.0
PERIOD_S = 0.2  # a state is made at most so often, however many look


class Recorded:
    """What the record adds to the live state: whether good parts have drifted, and the counts of the shift.

    Asked for at most every 2 s.
    """

    def __init__(self, link: RecordLink, hub: Hub, now_s: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._hub = hub
        self._now_s = now_s
        self._looked_s = -math.inf
        self._drift: dict[str, str] = {}
        self._shifts: dict[str, ShiftCounts] = {}

    def drift(self, camera: str) -> str:
        """What has drifted in front of a camera, and what to do; empty where nothing has, or nobody knows."""
        self._look()
        return self._drift.get(camera, "")

    def shift(self, camera: str, run: Counts) -> Counts | None:
        """The shift's counts when the run has these; None where the record does not know."""
        self._look()
        known = self._shifts.get(camera)
        return known(run) if known else None

    def _look(self) -> None:
        store = self._link.store
        if store is None or self._now_s() - self._looked_s < RECORD_PERIOD_S:
            return
        self._looked_s = self._now_s()
        with contextlib.suppress(StoreError):  # whoever writes into the record says so; the line goes on
            for name in self._hub.feeds.keys() - self._shifts.keys():
                feed = self._hub.feeds[name]
                self._shifts[name] = ShiftCounts(store, feed.name, began=feed.began)
            found = store.alarms(open_only=True)
            self._drift = {alarm.camera or ONLY: alarm.text for alarm in found if alarm.kind == KIND}


class Snapshots:
    """Makes the state, once for all who ask at about the same time. Safe from any thread."""

    def __init__(
        self,
        hub: Hub,
        link: RecordLink,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._link = link
        self._recorded = Recorded(link, hub, now_s)
        self._now_s = now_s
        self._turn = threading.Lock()
        self._made_s = -math.inf
        self._state: LiveState | None = None

    def __call__(self) -> LiveState:
        """The state, at most 0.2 s old."""
        with self._turn:
            if self._state is None or self._now_s() - self._made_s >= PERIOD_S:
                self._state, self._made_s = self._make(), self._now_s()
            return self._state

    def _make(self) -> LiveState:
        free = _free(self._hub)
        cameras = [self._camera(name, feed, free) for name, feed in self._hub.feeds.items()]
        return LiveState(utc=datetime.now(timezone.utc), cameras=cameras)

    def _camera(self, name: str, feed: Feed, free: float | None) -> CameraState:
        control = self._hub.controls.get(name)
        now = control.now if control else None
        state = feed.state
        charted = state.recent[-CHARTED:]
        shift = self._recorded.shift(name, state.counts)
        troubles = [*self._hub.troubles(name), *([self._link.trouble] if self._link.trouble else [])]
        return CameraState(
            name=name,
            product=_product(now, charted),
            running=now is not None and now.running and not state.closed,
            sequence=state.sequence,
            last=part_of(charted[-1]) if charted else None,
            counts=tally(state.counts),
            shift=tally(shift) if shift else None,
            parts_per_minute=_pace(charted),
            scores=[finite(part.score, 6) for part in charted],
            verdicts="".join(part.verdict.name[0] for part in charted),
            latencies_ms=[finite(part.latency_ms, 2) for part in charted],
            first_number=charted[0].number if charted else 0,
            threshold=now.threshold if now else None,
            deadline_ms=now.deadline_ms if now else None,
            rejects=_newest(state),
            badges=badges(state, now, free, self._now_s(), troubles),
            alarms=alarms(state, now, self._recorded.drift(name), free, troubles),
        )


def part_of(judged: Judged) -> Part:
    """As the API says it."""
    return Part(
        number=judged.number,
        part=judged.part,
        utc=judged.utc,
        product=judged.product,
        verdict=cast(Word, judged.verdict.name),
        score=finite(judged.score),
        threshold=judged.threshold,
        latency_ms=finite(judged.latency_ms, 2),
        words=judged.words,
        cause=judged.cause.value if judged.cause else None,
        detail=judged.detail,
        has_picture=judged.picture is not None,
    )


def tally(counts: Counts) -> Tally:
    """As the API says it."""
    share = finite(100 * counts.yield_fraction, 2)
    return Tally(
        captured=counts.captured,
        passed=counts.passed,
        failed=counts.failed,
        missed=counts.missed,
        yield_percent=share,
    )


def _newest(state: FeedState) -> list[Part]:
    """The rejects whose pictures are kept, newest first."""
    numbers = [inspection.index for inspection in reversed(state.rejects)]
    found = {judged.number: judged for judged in state.recent}
    return [part_of(found[number]) for number in numbers if number in found]


def _product(now: Running | None, recent: Sequence[Judged]) -> str:
    if now:
        return now.product
    return recent[-1].product if recent else ""


def _pace(recent: Sequence[Judged]) -> float | None:
    """Parts a minute over the last 200; None before the second."""
    if len(recent) < 2:
        return None
    seconds = recent[-1].written_s - recent[0].written_s
    return round(60 * (len(recent) - 1) / seconds, 1) if seconds > 0 else None


def _free(hub: Hub) -> float | None:
    """Free share of the fullest disk that something is kept on."""
    shares = []
    for folder in hub.watched:
        there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), None)
        if there is not None:
            usage = shutil.disk_usage(there)
            shares.append(usage.free / usage.total)
    return min(shares, default=None)
