"""Live pictures that come late, or again and again the same."""

import logging

import numpy as np
import pytest

from inspector.cameras.freshness import Fresh
from inspector.cameras.reconnect import Reconnecting
from inspector.cameras.times import ArrivalTimes, Gaps, SenderTimes
from inspector.errors import CameraLost, EndOfStream, FrameLost
from inspector.records import Cause, Frame
from inspector.testing import FakeCamera, ManualClock

S = 1_000_000_000
MS = 1_000_000


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def play(camera):
    """Indices of frames, and the causes of lost ones."""
    seen = []
    while True:
        try:
            frame = camera.read(1.0)
        except FrameLost as lost:
            seen.append(lost.cause)
        except (EndOfStream, CameraLost):
            return seen
        else:
            seen.append(frame if frame is None else frame.index)


def stills(*seeds):
    """A camera whose pictures are alike where their seeds are."""
    clock = ManualClock()
    return FakeCamera([noise(seed) for seed in seeds], now_ns=clock), clock


@pytest.mark.parametrize(
    ("seeds", "same", "seen"),
    [
        ([1, 2, 3], 3, [0, 1, 2]),
        ([1, 1, 2, 2, 3], 3, [0, 1, 2, 3, 4]),
        ([1, 1, 1, 1, 2, 1], 3, [0, 1, Cause.CAMERA, Cause.CAMERA, 4, 5]),
        ([1, 1, 1], 2, [0, Cause.CAMERA, Cause.CAMERA]),
        ([1] * 10, 0, list(range(10))),
    ],
)
def test_pictures_that_are_alike_bit_by_bit_are_frozen(seeds, same, seen):
    camera, clock = stills(*seeds)
    with Fresh(camera, same=same, now_ns=clock) as fresh:
        assert play(fresh) == seen


def test_one_bit_of_difference_is_a_picture_of_its_own():
    pictures = [noise(0) for _ in range(9)]
    for number, picture in enumerate(pictures):
        picture[-1, -1, -1] ^= number & 1
    clock = ManualClock()
    with Fresh(FakeCamera(pictures, now_ns=clock), now_ns=clock) as fresh:
        assert play(fresh) == list(range(9))


def test_a_frozen_camera_is_told_loudly_and_once(caplog):
    camera, clock = stills(1, 1, 1, 1, 1, 2, 3)
    with caplog.at_level(logging.INFO), Fresh(camera, "camera 0", now_ns=clock) as fresh:
        play(fresh)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "ERROR",
            "camera 0: FROZEN: 3 pictures in a row are the same; every part is rejected until another comes: "
            "restart the camera",
        ),
        ("WARNING", "camera 0 is no longer frozen, after 5 pictures"),
    ]


def test_an_old_picture_is_lost(caplog):
    clock = ManualClock(now_ns=10 * S)
    frames = [Frame(n, 10 * S - age * MS, noise(n)) for n, age in enumerate([2800, 1400, 501, 499, 0, -5])]
    with Fresh(FakeCamera(frames), "camera 0", now_ns=clock) as fresh:
        assert play(fresh) == [Cause.CAMERA] * 3 + [3, 4, 5]
    assert [record.getMessage() for record in caplog.records] == [
        "camera 0: pictures come 2.8 s late; they are not judged",
        "camera 0: pictures come in time again, 3 were too old",
    ]


def test_pictures_from_before_the_end_of_an_outage_are_not_parts_once_more():
    """The camera is gone at 0 s and back at 1.5 s, with what it saw from 0.6 s on."""
    clock = ManualClock()
    kept = [Frame(n, (600 + 100 * n) * MS, noise(n)) for n in range(9)]
    now = [Frame(9 + n, (1600 + 100 * n) * MS, noise(20 + n)) for n in range(2)]
    lives = iter([FakeCamera([CameraLost("camera 0: unplugged")]), None, FakeCamera([*kept, *now])])

    def open_camera():
        camera = next(lives)
        if camera is None:
            raise CameraLost("camera 0: not there")
        return camera

    camera = Fresh(Reconnecting(open_camera, fps=10.0, now_ns=clock, wait=clock.wait), now_ns=clock)
    with camera as fresh:
        seen = play(fresh)
    assert seen[:15] == [Cause.CAMERA] * 15
    assert seen[15:17] == [15, 16]


# -- times ----------------------------------------------------------------------------------------------------------


def arrivals(times, packets):
    """How old each picture is when it comes, in ms: packets are (sender's ms or None, asked ms, arrived ms)."""
    ages = []
    for sender, asked, arrived in packets:
        stream_s = None if sender is None else sender / 1000
        times.note(stream_s, asked * MS, arrived * MS)
        ages.append(round((arrived * MS - times.taken_ns(stream_s, arrived * MS)) / MS))
    return ages


def test_nothing_is_thought_younger_than_the_wish_to_see_it():
    packets = [(7000 + 100 * n, 2800, 2800) for n in range(29)]
    assert arrivals(SenderTimes(0, held_back=False), packets) == [2800 - 100 * n for n in range(29)]


def test_whoever_never_has_to_wait_gives_up_catching_up():
    times = SenderTimes(0, held_back=False)
    arrivals(times, [(100 * n, 100 * n, 100 * n) for n in range(51)])
    assert not times.caught_up
    arrivals(times, [(5100, 5100, 5100)])
    assert times.caught_up


def test_after_a_wait_the_senders_clock_is_known():
    times = SenderTimes(0, held_back=False)
    arrivals(times, [(0, 0, 1000), (100, 1000, 1000), (200, 1000, 1000), (300, 1000, 1010)])
    assert not times.caught_up  # the sender only took a breath
    arrivals(times, [(350, 1010, 1060)])
    assert times.caught_up
    assert arrivals(times, [(450, 1060, 1150), (550, 1160, 1250)]) == [0, 0]
    # a jam of half a second, whose pictures come all at once
    jam = [(650, 1260, 1750), (750, 1750, 1750), (850, 1750, 1750), (950, 1750, 1750), (1050, 1750, 1750)]
    assert arrivals(times, jam) == [400, 300, 200, 100, 0]


def test_a_picture_that_comes_with_the_next_one_is_a_period_older():
    times = SenderTimes(0, held_back=True)
    assert arrivals(times, [(100 * n, 100 * n + 1, 100 * n + 100) for n in range(5)])[2:] == [100, 100, 100]


def test_without_any_time_what_needs_no_wait_came_a_period_after_the_other():
    times = ArrivalTimes()
    steady = [(None, 100 * n - 90, 100 * n) for n in range(1, 9)]
    assert arrivals(times, steady) == [0] * 8
    stalled = [(None, 3000, 3000)] * 4  # the line stood still for 2.2 s; these lay in the socket
    assert arrivals(times, stalled) == [2100, 2000, 1900, 1800]
    assert arrivals(times, [(None, 3010, 3060)]) == [0]


def test_missing_pictures_are_counted_where_packets_got_lost_only():
    gaps = Gaps()
    assert [gaps.note(n / 10, False) for n in range(5)] == [0] * 5
    assert gaps.note(0.9, False) == 0  # the camera paused
    assert gaps.note(1.0, True) == 0
    assert gaps.note(1.3, False) == 2
    assert gaps.note(1.7, False) == 0
    assert gaps.note(9999.0, True) == 100
