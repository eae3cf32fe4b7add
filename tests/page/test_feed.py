"""What the pages know of a line, and what that costs: pictures once for all, counts over the shift."""

import asyncio
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
from test_alarms import judged, missed

from inspector.page.feed import KEPT, REJECTS, THUMB_PX, Feed, small_jpeg
from inspector.page.shift import ShiftCounts
from inspector.page.video import Video, make_encoder
from inspector.record.rows import PartRow, RunRow
from inspector.record.store import Store
from inspector.records import Counts, Verdict
from inspector.testing import ManualClock

MORNING = datetime(2026, 3, 2, 7, 0).astimezone()  # within the shift that begins at 6


def pictured(index, verdict=Verdict.PASS):
    return dataclasses.replace(judged(index, 1.0, verdict), image=np.full((60, 80, 3), 90, np.uint8))


def test_nothing_is_encoded_while_nobody_looks_and_once_for_all_who_do():
    feed, encoder = Feed(""), make_encoder()
    for index in range(5):
        feed.write(pictured(index), Counts(index + 1))

    async def look(viewers):
        video = Video(feed, encoder)
        assert video.encoded == 0
        streams = [video.multipart() for _ in range(viewers)]
        heads = [await anext(stream) for stream in streams]
        pictures = await asyncio.gather(*(anext(stream) for stream in streams))
        assert set(heads) == {b"--frame\r\n"}
        assert len(set(pictures)) == 1
        assert pictures[0].startswith(b"Content-Type: image/jpeg\r\nContent-Length: ")
        for stream in streams:
            await stream.aclose()
        return video.encoded

    # On a thread of its own: the browser of other tests keeps an event loop on this one.
    with encoder, ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, look(10)).result() == 1


def test_a_feed_keeps_a_bounded_past_and_the_last_rejects_whole():
    feed = Feed("")
    for index in range(KEPT + 10):
        feed.write(pictured(index, Verdict.FAIL if index % 2 else Verdict.PASS), Counts())
    state = feed.state
    assert [len(state.recent), state.recent[0].number] == [KEPT, 10]
    assert [each.index for each in state.rejects] == [KEPT + 9 - 2 * i for i in reversed(range(REJECTS))]
    assert state.sequence == KEPT + 10


def test_the_streak_counts_missed_parts_too():
    feed = Feed("")
    for inspection in (judged(0, 1.0), judged(1, 9.0, Verdict.FAIL), missed(2, "gone"), judged(3, 9.0, Verdict.FAIL)):
        feed.write(inspection, Counts())
    assert feed.state.streak == 3


def test_a_fast_lines_passes_get_a_small_picture_ten_times_a_second_and_rejects_always():
    clock = ManualClock()
    feed = Feed("", now_ns=clock)
    for index in range(40):
        feed.write(pictured(index, Verdict.FAIL if index == 7 else Verdict.PASS), Counts())
        clock.wait(0.01)
    assert [part.number for part in feed.state.recent if part.picture] == [0, 7, 17, 27, 37]


@pytest.mark.parametrize("shape", [(48, 64), (900, 900), (3000, 4000), (1, 5000), (5, 1)])
def test_a_small_picture_fits_and_keeps_its_proportions(shape):
    small = cv2.imdecode(np.frombuffer(small_jpeg(np.full((*shape, 3), 50, np.uint8)), np.uint8), cv2.IMREAD_COLOR)
    assert max(small.shape[:2]) <= THUMB_PX
    assert abs(int(small.mean()) - 50) <= 2


def test_a_shift_counts_what_was_before_the_run_and_begins_anew(tmp_path):
    now = [MORNING]
    with Store(str(tmp_path / "record.db")) as store:
        store.begin_run(RunRow("r", MORNING, "host", "run", "1"))
        times = [MORNING - timedelta(hours=2), MORNING - timedelta(minutes=30), MORNING - timedelta(minutes=20)]
        verdicts = [Verdict.PASS, Verdict.PASS, Verdict.FAIL]  # the first belongs to the night
        rows = [
            PartRow("r", "", number, utc.astimezone(timezone.utc), "p", "r", "m", verdict)
            for number, (utc, verdict) in enumerate(zip(times, verdicts, strict=True))
        ]
        store.write(rows)
        shift = ShiftCounts(store, "", lambda: now[0])
    assert shift(Counts()) == Counts(1, 1, 0)
    assert shift(Counts(5, 0, 2)) == Counts(6, 1, 2)
    now[0] = MORNING + timedelta(hours=8)
    assert shift(Counts(5, 0, 2)) == Counts()
    assert shift(Counts(9, 1, 2)) == Counts(4, 1, 0)
