"""Too much for a line: products that change all the time, parts that come faster than they can be judged."""

import threading
import time

import pytest
from line import PATIENCE_S, Gate, Scripted, Waits, causes, check_account, parts, run

from inspector.channel import Overflow
from inspector.inspection import load_inspector
from inspector.outputs.base import OutputState
from inspector.pipeline import Pipeline
from inspector.records import Cause, Frame, Verdict
from inspector.testing import ManualClock, MemoryOutput, MemorySink
from inspector.verbs.attendant import RecipeWatch

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
    told = {(i.product, i.threshold, i.context.recipe_hash, i.context.model_hash, i.verdict) for i in seen.inspections}
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
        tick=lambda line: line.inspector.threshold == 9.5 and swapped.set(),
    )
    line.run()
    assert seen.verdicts == [FAIL, FAIL, PASS]
    assert caplog.text.count("changeover refused, alpha goes on: alpha.yaml: ") == 3


@pytest.mark.parametrize("product", ["alpha", "beta"])
def test_a_recipe_that_changes_while_it_is_loaded_is_loaded_again(station, product):
    """At the start, and at a changeover; the file looks no different afterwards than at the first look."""
    inspector, changes = station.load(), iter([9.5])
    end_s = time.monotonic() + PATIENCE_S

    def load(name):
        loaded = station.load(name)
        for threshold in changes:
            station.write(name, threshold=threshold)
        return loaded

    def script():
        if product == "beta":
            line.change_product("beta")
        while line.inspector.threshold != 9.5:
            assert time.monotonic() < end_s
            time.sleep(0.01)
            yield None
        yield station.frame(0, station.bright)

    if product == "alpha":
        station.write(threshold=next(changes))
    seen = MemorySink()
    line = Pipeline(Scripted(script(), live=False), inspector, [seen], load=load, tick=RecipeWatch(station.config))
    line.run()
    assert [(each.product, each.verdict) for each in seen.inspections] == [(product, PASS)]


def test_a_recipe_that_is_spoilt_while_it_is_loaded_is_refused(station, caplog):
    inspector = station.load()
    station.recipe().write_text("product: alpha\nthreshold: wro")
    changeovers = Changeovers(station)

    def script():
        changeovers.tried()
        yield station.frame(0)

    line = Pipeline(
        Scripted(script(), live=False),
        inspector,
        [],
        load=changeovers.load,
        tick=RecipeWatch(station.config),
    )
    assert line.run().counts.passed == 1
    assert caplog.text.count("changeover refused, alpha goes on: alpha.yaml: threshold") == 1


def test_a_changeover_to_a_model_that_is_garbage_is_refused_and_the_old_one_goes_on(station, caplog):
    changeovers = Changeovers(station)

    def script():
        yield station.frame(0, station.bright)
        for garbage in (b"", b"garbage" * 1000):
            station.model("beta").write_bytes(garbage)
            line.change_product("beta")
            changeovers.tried()
        yield station.frame(1, station.bright)

    seen = MemorySink()
    line = Pipeline(Scripted(script(), live=False), station.load(), [seen], load=changeovers.load)
    line.run()
    assert seen.verdicts == [FAIL, FAIL]
    assert caplog.text.count("changeover refused, alpha goes on: ") == 2
    assert "beta.onnx" in caplog.text


class Belt:
    """A part every 0.1 s for a minute, during which `gate` takes nothing; each may wait for the last one's verdict."""

    def __init__(self, station, gate):
        self._station = station
        self._gate = gate
        self.clock = ManualClock()
        self.told = threading.Semaphore(0)

    @property
    def options(self):
        """For the pipeline: its clock, and more patience than the minute takes."""
        return {"now_ns": self.clock, "stall_s": 100}

    def __call__(self, waits):
        for index in range(600):
            self.clock.wait(0.1)
            yield Frame(index, self.clock(), self._station.frame(0).image, part=f"part-{index}")
            if waits:
                assert self.told.acquire(timeout=60)
        self._gate.open.set()


class Tells(MemoryOutput):
    """An output that lets the belt go on."""

    def __init__(self, belt):
        super().__init__()
        self._belt = belt

    def apply(self, inspection):
        super().apply(inspection)
        self._belt.told.release()


def test_a_sink_slower_than_the_camera_for_a_minute_costs_no_part(station):
    """The line is told every verdict in time; the sink gets them all afterwards, most without their pictures."""
    station.write(deadline_ms=500, batch_size=2)
    gate = Gate()
    belt = Belt(station, gate)
    output = Tells(belt)
    camera = Scripted(belt(waits=True))
    pipeline = Pipeline(camera, station.load(), [gate], [output], **belt.options)
    pipeline.run()
    check_account(gate, pipeline, camera, output)
    assert gate.verdicts == [PASS] * 600
    assert output.states[1:601] == [(OutputState.PASS, index) for index in range(600)]
    assert sum(inspection.image is not None for inspection in gate.inspections) < 50


def test_a_log_slower_than_the_camera_for_a_minute(station):
    """Delivery is at a standstill: what is in time is judged, the rest is MISSED."""
    station.write(deadline_ms=500, batch_size=2)
    gate = Gate()
    belt = Belt(station, gate)
    seen, error = run(Scripted(belt(waits=False)), station.load(), journal=gate, **belt.options)
    assert error is None
    assert parts(seen) == [f"part-{index}" for index in range(600)]
    assert {Cause.DEADLINE} <= {c for c in causes(seen) if c} <= {Cause.DEADLINE, Cause.OVERFLOW}
    assert causes(seen).count(None) <= 20
    assert gate.verdicts == seen.verdicts


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

    seen, error = run(Scripted(script(), live), station.load(), journal=gate, overflow=overflow)
    assert error is None
    assert (Cause.OVERFLOW in causes(seen)) == (overflow is Overflow.NEWEST)
