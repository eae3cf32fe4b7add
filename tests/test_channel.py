"""The bounded queue between threads."""

import itertools
import threading

import pytest

from inspector.channel import Channel, Overflow

PATIENCE_S = 30  # only a test that fails waits so long


@pytest.fixture
def in_thread():
    """Start a function on a thread; at the end of the test every thread must have ended."""
    threads = []

    def start(function, *arguments):
        threads.append(threading.Thread(target=function, args=arguments))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_items_come_out_in_the_order_they_went_in():
    channel = Channel(5)
    for item in range(5):
        assert channel.put(item) is None
    assert channel.take(2) == [0, 1]
    assert channel.take(99) == [2, 3, 4]


def test_take_returns_what_is_there_and_waits_for_no_more():
    channel = Channel(5)
    channel.put("one")
    assert channel.take(8) == ["one"]


def test_one_of_several_takers_leaves_the_others_their_share():
    channel = Channel(5)
    for item in range(5):
        channel.put(item)
    assert channel.take(10, takers=2) == [0, 1, 2]
    assert channel.take(10, takers=2) == [3]
    assert channel.take(10, takers=2) == [4]


def test_take_gives_up_after_its_timeout():
    assert Channel(5).take(1, timeout_s=0.001) == []


def test_newest_evicts_the_oldest_one_only():
    channel = Channel(3, Overflow.NEWEST)
    evicted = [channel.put(item) for item in range(10)]
    assert evicted == [None, None, None, 0, 1, 2, 3, 4, 5, 6]
    assert channel.take(99) == [7, 8, 9]


def test_a_full_channel_makes_its_sender_wait_and_loses_nothing(in_thread):
    channel = Channel(2)
    in_thread(lambda: [channel.put(item) for item in range(200)] and channel.close())
    taken = []
    while not channel.finished:
        batch = channel.take(7)
        assert len(batch) <= 2
        taken += batch
    assert taken == list(range(200))


def test_closing_wakes_who_waits_to_take(in_thread):
    channel = Channel(1)
    taken = []
    thread = in_thread(lambda: taken.append(channel.take(1)))
    channel.close()
    thread.join(PATIENCE_S)
    assert taken == [[]]


def test_closing_wakes_who_waits_to_put_and_gives_the_item_back(in_thread):
    channel = Channel(1)
    channel.put("first")
    returned = []
    thread = in_thread(lambda: returned.append(channel.put("second")))
    channel.close()
    thread.join(PATIENCE_S)
    assert returned == ["second"]
    assert channel.take(9) == ["first"]


@pytest.mark.parametrize("overflow", Overflow)
def test_a_closed_channel_gives_back_what_is_put_and_keeps_what_is_there(overflow):
    channel = Channel(3, overflow)
    channel.put("kept")
    channel.close()
    assert channel.put("refused") == "refused"
    assert not channel.finished
    assert channel.take(9) == ["kept"]
    assert channel.finished


def bytes_channel(capacity, overflow=Overflow.WAIT):
    return Channel(capacity, overflow, weigh=len, most=10)


def test_items_that_weigh_too_much_make_the_sender_wait(in_thread):
    channel = bytes_channel(99)
    in_thread(lambda: [channel.put(bytes(4)) for _ in range(30)] and channel.close())
    taken = 0
    while not channel.finished:
        batch = channel.take(99)
        assert len(batch) <= 3  # the third finds room for a part of it
        taken += len(batch)
    assert taken == 30


def test_one_item_always_has_room_however_heavy():
    channel = bytes_channel(3)
    assert not channel.full
    channel.put(bytes(1000))
    assert channel.full
    assert channel.take(1) == [bytes(1000)]
    assert not channel.full


def test_a_heavy_item_sheds_as_many_old_ones_as_it_takes():
    channel = bytes_channel(9, Overflow.NEWEST)
    for number in range(4):
        assert channel.put(bytes([number, 0])) is None
        assert channel.shed() is None
    assert channel.put(bytes(8)) is None
    assert [channel.shed() for _ in range(4)] == [bytes([0, 0]), bytes([1, 0]), bytes([2, 0]), None]
    assert channel.take(9) == [bytes([3, 0]), bytes(8)]


def test_news_put_aside_has_room_in_a_full_and_in_a_closed_channel():
    channel = Channel(1)
    channel.put(0)
    assert channel.full
    channel.put_unbounded(1)
    channel.close()
    channel.put_unbounded(2)
    assert channel.take(9) == [0, 1, 2]


def test_several_senders_and_takers_share_every_item_out_once(in_thread):
    channel = Channel(3)
    taken = [[] for _ in range(3)]

    def take(mine):
        while not channel.finished:
            mine.extend(channel.take(2))

    takers = [in_thread(take, mine) for mine in taken]
    senders = [in_thread(lambda first=first: [channel.put(first + n) for n in range(100)]) for first in (0, 100, 200)]
    for sender in senders:
        sender.join(PATIENCE_S)
    channel.close()
    for taker in takers:
        taker.join(PATIENCE_S)
    assert sorted(itertools.chain(*taken)) == list(range(300))
