"""Too much for a line: products that change all the time, parts that come faster than they can be judged."""

import threading

import pytest
from line import Gate, Scripted, Waits, causes, parts, run

from inspector.channel import Overflow
from inspector.inspection import load_inspector
from inspector.pipeline import Pipeline
from inspector.records import Cause, Frame, Verdict
from inspector.testing import ManualClock, MemorySink

PASS, FAIL, MISSED = Verdict.PASS, Verdict.FAIL, Verdict.MISSED


class Changeovers:
    """Loads products for a line, and lets its script wait until so many were tried."""

    def __init__(self, station):
        self._station = station
        self._tried = threading.Semaphore(0)

    def load(self, product):
        try:
            return self._station.load(product)
        finally:
            self._tried.release()

    def tried(self):
        assert self._tried.acquire(timeout=60)


def test_fifty_changeovers_in_a_row_lose_no_part_and_mix_no_recipes(station):
    """Each is carried out before the next is asked for, with parts in between."""
    changeovers, seen = Changeovers(station), MemorySink()

    def script():
        for number in range(50):
            line.change_product(("beta", "alpha")[number % 2])
            yield station.frame(2 * number, station.bright)
            changeovers.tried()
            yield station.frame(2 * number + 1, station.bright)

    line = Pipeline(Scripted(script(), live=False), station.load(), [seen], load=changeovers.load)
    assert line.run().captured == 100
    told = {(i.product, i.threshold, i.recipe_hash, i.model_hash, i.verdict) for i in seen.inspections}
    assert {each[0] for each in told} == {"alpha", "beta"}
    assert len(told) == 2  # one threshold, recipe, model and verdict for each
    assert parts(seen) == [f"part-{index}" for index in range(100)]


def test_a_recipe_that_is_half_written_is_refused_and_the_whole_one_is_taken(station, caplog):
    whole = station.write(threshold=9.5).read_text()
    station.write()
    changeovers, swapped = Changeovers(station), Waits()

    def script():
        yield station.frame(0, station.bright)
        for end in (whole.index("threshold") + 5, whole.index("colour:") + 9, 0):
            station.recipe().write_text(whole[:end])
            line.change_product("alpha")
            changeovers.tried()
        yield station.frame(1, station.bright)
        station.recipe().write_text(whole)
        line.change_product("alpha")
        changeovers.tried()
        swapped()
        yield station.frame(2, station.bright)

    seen = MemorySink()
    line = Pipeline(
        Scripted(script(), live=False),
        station.load(),
        [seen],
        load=changeovers.load,
        tick=lambda: line.inspector.threshold == 9.5 and swapped.set(),
    )
    line.run()
    assert seen.verdicts == [FAIL, FAIL, PASS]
    assert caplog.text.count("changeover refused, alpha goes on: alpha.yaml: ") == 3


def test_a_consumer_slower_than_the_camera_for_a_minute(station):
    """A part every 0.1 s, delivery at a standstill for a minute: what is in time is judged, the rest is MISSED."""
    station.write(deadline_ms=500, batch_size=2)
    clock, gate = ManualClock(), Gate()

    def script():
        for index in range(600):
            clock.wait(0.1)
            yield Frame(index, clock(), station.frame(0).image, part=f"part-{index}")
        gate.open.set()

    seen, error = run(Scripted(script()), station.load(), gate, now_ns=clock)
    assert error is None
    assert parts(seen) == [f"part-{index}" for index in range(600)]
    assert {Cause.DEADLINE} <= {c for c in causes(seen) if c} <= {Cause.DEADLINE, Cause.OVERFLOW}
    assert causes(seen).count(None) <= 20
    assert gate.inspections == seen.inspections


def test_a_model_that_is_slow_on_one_part_does_not_fill_the_memory_with_pictures(station):
    """None of the others can be delivered before it: they wait, most of them as bare verdicts."""
    go_on = Waits()

    def clock():  # the inspection asks it once for each part
        go_on()
        return 0

    def script():
        yield from map(station.frame, range(1000))
        go_on.set()

    inspector = load_inspector("alpha", station.config, station.models, clock)
    seen, error = run(Scripted(script()), inspector)
    assert error is None
    assert len(seen.inspections) == 1000
    assert sum(inspection.image is not None for inspection in seen.inspections) < 250


@pytest.mark.parametrize(("live", "overflow"), [(True, Overflow.WAIT), (False, Overflow.NEWEST)])
def test_the_policy_may_be_ordered(station, live, overflow):
    """A live camera that waits loses nothing; a replay that does not wait loses what it cannot keep."""
    gate = Gate()

    def script():
        for index in range(200):
            if index == (20 if overflow is Overflow.WAIT else 199):
                gate.open.set()
            yield station.frame(index)

    seen, error = run(Scripted(script(), live), station.load(), gate, overflow=overflow)
    assert error is None
    assert (Cause.OVERFLOW in causes(seen)) == (overflow is Overflow.NEWEST)
