"""One verdict per frame, always: real threads, a real model, scripted cameras."""

import itertools
import logging
import time

import pytest
from line import (
    PATIENCE_S,
    Fails,
    Gate,
    Scripted,
    Waits,
    causes,
    check_account,
    check_summary,
    no_thread_is_left,  # noqa: F401  (for every test)
    parts,
    run,
)

from inspector.errors import CameraError, CameraLost, FrameLost, ModelError, SinkError
from inspector.outputs.base import OutputState
from inspector.pipeline import Pipeline
from inspector.records import Cause, Frame, Verdict
from inspector.testing import ManualClock, MemoryOutput, MemorySink, blank_frame

PASS, FAIL, MISSED = Verdict.PASS, Verdict.FAIL, Verdict.MISSED


class StopsTheRun(MemorySink):
    """A sink that has seen enough after some writes."""

    pipeline: Pipeline  # set by the test: the sink is made first

    def __init__(self, after):
        super().__init__()
        self.after = after

    def write(self, inspection, counts):
        super().write(inspection, counts)
        if len(self.inspections) == self.after:
            self.pipeline.stop()


# ---- what the camera does


def test_parts_are_judged_by_what_they_look_like(station):
    script = [station.frame(i, b) for i, b in enumerate([station.dark, station.bright, station.dark])]
    seen, error = run(Scripted(script), station.load())
    assert error is None
    assert seen.verdicts == [PASS, FAIL, PASS]
    assert parts(seen) == ["part-0", "part-1", "part-2"]


def test_frames_the_camera_skipped_are_missed(station):
    seen, error = run(Scripted([0, None, 3, 5]), station.load())
    assert error is None
    assert seen.verdicts == [PASS, MISSED, MISSED, PASS, MISSED, PASS]
    assert set(causes(seen)) == {None, Cause.CAMERA}


def test_a_camera_that_starts_beyond_0_has_missed_what_came_before(station):
    seen, _ = run(Scripted([2]), station.load())
    assert seen.verdicts == [MISSED, MISSED, PASS]


def test_a_lost_frame_is_missed_with_its_part_and_cause_and_the_run_goes_on(station):
    lost = FrameLost("part-1: broken", part="part-1", cause=Cause.DECODE)
    seen, error = run(Scripted([0, lost, 2]), station.load())
    assert error is None
    assert seen.verdicts == [PASS, MISSED, PASS]
    assert (seen.inspections[1].part, seen.inspections[1].cause) == ("part-1", Cause.DECODE)
    assert seen.inspections[1].detail == "part-1: broken"


@pytest.mark.parametrize("script", [[5, 5, 5], [7, 0, 1], [3, 2, 1]])
def test_repeated_and_backward_indices_are_parts_like_any_other(station, script):
    """A camera that was restarted counts anew."""
    seen, error = run(Scripted([0, 1, 2, *script]), station.load())
    assert error is None
    assert seen.verdicts.count(PASS) == 6


def test_a_camera_that_is_silent_for_long_does_not_end_the_run(station):
    seen, error = run(Scripted([0, *[None] * 5000, 1]), station.load())
    assert error is None
    assert seen.verdicts == [PASS, PASS]


def test_the_account_is_told_while_the_line_runs(station, caplog):
    caplog.set_level(logging.INFO)
    clock, end_s = ManualClock(), time.monotonic() + PATIENCE_S

    def script():
        yield from (station.frame(index, station.bright) for index in range(3))
        while "captured 3  pass 0  fail 3  missed 0" not in caplog.text:
            assert time.monotonic() < end_s
            clock.wait(1)
            yield None

    _, error = run(Scripted(script()), station.load(), now_ns=clock, stall_s=1e9)
    assert error is None


def test_an_empty_stream_is_an_empty_run(station):
    seen, error = run(Scripted([]), station.load())
    assert error is None
    assert seen.inspections == []


@pytest.mark.parametrize("error", [CameraLost("cable pulled"), RuntimeError("driver bug"), OSError("no such device")])
def test_a_camera_error_ends_the_run_and_reaches_the_caller(station, error):
    seen, raised = run(Scripted([0, 1, error, 3]), station.load())
    assert raised is error
    assert len(seen.inspections) == 2
    assert set(causes(seen)) <= {None, Cause.SHUTDOWN}


def test_a_camera_that_cannot_be_opened_ends_the_run(station):
    class Broken(Scripted):
        def __enter__(self):
            raise CameraError("camera 7: cannot be opened")

    seen, raised = run(Broken([0]), station.load())
    assert str(raised) == "camera 7: cannot be opened"
    assert seen.inspections == []


def test_what_is_not_an_image_is_missed_and_the_run_goes_on(station):
    good = blank_frame(0).image
    odd = [good[..., 0], good[:0], good.astype("float32"), good[..., :2]]
    seen, error = run(Scripted([good, *odd, good]), station.load())
    assert error is None
    assert causes(seen) == [None, *[Cause.DECODE] * 4, None]


def test_a_run_needs_no_clock_that_goes(station):
    seen, error = run(Scripted(range(5), now_ns=ManualClock()), station.load(), now_ns=ManualClock())
    assert error is None
    assert len(seen.inspections) == 5


# ---- too many parts


def test_a_live_line_evicts_the_oldest_frames_and_never_the_new_one_with_them(station):
    station.write(batch_size=2)
    gate = Gate()

    def script():
        yield from (station.frame(i) for i in range(300))
        gate.open.set()

    seen, error = run(Scripted(script()), station.load(), journal=gate)
    assert error is None
    assert parts(seen) == parts(gate) == [f"part-{i}" for i in range(300)]
    assert set(causes(seen)) == {None, Cause.OVERFLOW}
    assert seen.verdicts[-4:] == [PASS] * 4  # what waited at the end: twice the batch
    assert seen.verdicts.count(MISSED) > 150
    assert gate.verdicts == seen.verdicts


@pytest.mark.parametrize("where", ["sink", "journal"])
def test_pictures_do_not_pile_up_behind_what_is_slow(station, where):
    gate = Gate()

    def script():
        yield from (station.frame(i) for i in range(1000))
        gate.open.set()

    slow = {"sink": ([gate], None), "journal": ([], gate)}[where]
    run(Scripted(script()), station.load(), *slow[0], journal=slow[1])
    assert len(gate.inspections) == 1000
    assert sum(i.image is not None for i in gate.inspections) < 250


@pytest.mark.parametrize("where", ["sink", "journal"])
def test_a_replay_waits_and_loses_nothing(station, where):
    gate = Gate()

    def script():
        for index in range(200):
            if index == 20:
                gate.open.set()
            yield station.frame(index)

    slow = {"sink": ([gate], None), "journal": ([], gate)}[where]
    seen, error = run(Scripted(script(), live=False), station.load(), *slow[0], journal=slow[1])
    assert error is None
    assert seen.verdicts == [PASS] * 200
    assert all(inspection.image is not None for inspection in seen.inspections)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_every_batch_size_gives_the_same_verdicts(station, batch_size):
    station.write(batch_size=batch_size)
    brightnesses = [station.dark, station.bright, station.not_a_number, station.dark] * 20
    script = [station.frame(i, b) for i, b in enumerate(brightnesses)]
    seen, _ = run(Scripted(script, live=False), station.load())
    assert seen.verdicts == [PASS, FAIL, MISSED, PASS] * 20
    assert parts(seen) == [f"part-{i}" for i in range(80)]


# ---- stopping


@pytest.mark.parametrize("live", [True, False])
def test_what_was_captured_before_a_stop_is_judged_or_missed(station, live):
    seen = StopsTheRun(after=5)
    camera = Scripted(itertools.count(), live)
    seen.pipeline = Pipeline(camera, station.load(), [seen])
    summary = seen.pipeline.run()
    check_account(seen, seen.pipeline, camera)
    assert summary.counts.captured >= 5
    assert set(causes(seen)) <= {None, Cause.OVERFLOW, Cause.SHUTDOWN}


def test_a_stop_before_the_run_ends_it_at_once(station):
    seen = MemorySink()
    pipeline = Pipeline(Scripted(itertools.count()), station.load(), [seen])
    pipeline.stop()
    assert pipeline.run().counts.captured == 0
    assert seen.closed


def test_frames_that_wait_at_a_stop_are_missed_with_their_names(station):
    """The log is kept busy until the queue is full, then the run is stopped."""
    gate, seen = Gate(), MemorySink()
    pipelines = []

    def script():
        yield from (station.frame(i) for i in range(100))
        pipelines[0].stop()
        gate.open.set()
        yield from (station.frame(i) for i in itertools.count(100))

    camera = Scripted(script())
    pipeline = Pipeline(camera, station.load(), [seen], journal=gate)
    pipelines.append(pipeline)
    pipeline.run()
    check_account(gate, pipeline, camera)
    check_account(seen, pipeline, camera)
    assert parts(gate)[:100] == [f"part-{i}" for i in range(100)]
    assert Cause.SHUTDOWN in causes(gate)[-20:]


# ---- what the model does


def test_a_part_without_a_usable_map_is_missed_and_the_run_goes_on(station):
    script = [station.frame(0), station.frame(1, station.not_a_number), station.frame(2)]
    seen, error = run(Scripted(script), station.load())
    assert error is None
    assert causes(seen) == [None, Cause.MODEL, None]
    assert seen.inspections[1].image is not None


def test_a_single_cell_that_is_no_number_is_enough(station):
    frame = station.frame(0)
    frame.image[:9, :12] = station.not_a_number  # one cell as a whole: pixels at its edge may be blended
    seen, _ = run(Scripted([frame]), station.load())
    assert causes(seen) == [Cause.MODEL]


def test_a_model_that_fails_ends_the_run_and_its_parts_are_missed(station):
    endless = (station.frame(i, station.poison if i == 10 else station.dark) for i in itertools.count())
    seen, error = run(Scripted(endless, live=False), station.load())
    assert isinstance(error, ModelError)
    assert seen.inspections[10].cause is Cause.MODEL
    assert "ONNX Runtime failed" in seen.inspections[10].detail
    assert set(causes(seen)[:10]) <= {None, Cause.MODEL}
    assert set(causes(seen)[11:]) <= {None, Cause.MODEL, Cause.SHUTDOWN}  # others were being judged meanwhile


# ---- what the sinks do


@pytest.mark.parametrize("error", [SinkError("disk full"), KeyboardInterrupt(), ValueError("bug")])
@pytest.mark.parametrize("live", [True, False])
def test_a_sink_that_fails_ends_the_run_and_the_others_get_everything(station, error, live):
    bad, behind = Fails(error), MemorySink()
    seen, raised = run(Scripted((station.frame(i) for i in itertools.count()), live), station.load(), bad, behind)
    assert raised is error
    assert (len(bad.inspections), bad.failures, bad.closings) == (3, 1, 1)
    assert behind.closed
    assert behind.inspections == seen.inspections
    assert len(seen.inspections) > 3


@pytest.mark.parametrize("error", [SinkError("disk full"), ValueError("bug")])
def test_a_sink_that_fails_in_closing_does_not_keep_the_others_open(station, error):
    class Closes(MemorySink):
        def close(self):
            raise error

    behind = MemorySink()
    _, raised = run(Scripted(range(3)), station.load(), Closes(), behind)
    assert raised is error
    assert behind.closed


def test_the_first_of_several_errors_is_raised_and_the_others_are_logged(station, caplog):
    first, second = SinkError("disk full"), SinkError("window gone")
    _, raised = run(Scripted(itertools.count()), station.load(), Fails(first), Fails(second, at=4))
    assert raised is first
    assert "window gone" in caplog.text


def test_a_tick_that_fails_ends_the_run_and_loses_nothing(station):
    error = RuntimeError("window")
    ticks = itertools.count()

    def tick(line):
        if next(ticks) == 2:
            raise error

    _, raised = run(Scripted(itertools.count(), live=False), station.load(), tick=tick)
    assert raised is error


def test_what_the_outputs_were_told_is_in_the_journal_already(station):
    journal = MemorySink()

    class Looks(MemoryOutput):
        def apply(self, inspection):
            super().apply(inspection)
            self.missing = [inspection, *self.missing] if inspection not in journal.inspections else self.missing

        missing = ()

    output = Looks()
    pipeline = Pipeline(Scripted(range(100), live=False), station.load(), [], [output], journal=journal)
    assert pipeline.run().captured == len(journal.inspections) == 100
    assert journal.closed
    assert not output.missing


@pytest.mark.parametrize("error", [SinkError("disk full"), ValueError("bug")])
def test_a_journal_that_fails_ends_the_run_and_nobody_is_told_what_it_lacks(station, error):
    journal, output, seen = Fails(error), MemoryOutput(), MemorySink()
    pipeline = Pipeline(
        Scripted(map(station.frame, itertools.count())), station.load(), [seen], [output], journal=journal
    )
    with pytest.raises(type(error), match=str(error)):
        pipeline.run()
    assert [index for _, index in output.states if index is not None] == [0, 1, 2]
    assert (len(journal.inspections), journal.failures, journal.closings) == (3, 1, 1)
    assert (output.state, output.closed, seen.closed) == (OutputState.SAFE, True, True)
    assert seen.inspections == journal.inspections
    check_summary(pipeline)


# ---- changeover


class Line:
    """A running line whose script changes the product and sees what has become of it."""

    def __init__(self, station, load=None):
        self.station = station
        self.seen = MemorySink()
        self.tried = Waits()
        self._load = load or station.load

    def run(self, script):
        camera = Scripted(script, live=False)
        self.pipeline = Pipeline(camera, self.station.load(), [self.seen], load=self._load_and_tell)
        try:
            return self.pipeline.run()
        finally:
            check_account(self.seen, self.pipeline, camera)

    def until(self, product):
        """Steps that time out until the line inspects `product`."""
        end = time.monotonic() + PATIENCE_S
        while self.pipeline.inspector.recipe.product != product:
            assert time.monotonic() < end
            yield None

    def _load_and_tell(self, product):
        try:
            return self._load(product)
        finally:
            self.tried.set()


def products(seen):
    return [inspection.product for inspection in seen.inspections]


def test_a_changeover_swaps_between_two_frames_and_loses_none(station):
    line = Line(station)

    def script():
        yield from (station.frame(i, station.bright) for i in range(5))
        line.pipeline.change_product("beta")
        yield from line.until("beta")
        yield from (station.frame(i, station.bright) for i in range(5, 10))

    line.run(script())
    assert line.seen.verdicts[5:] == [PASS] * 5  # alpha would fail them
    assert products(line.seen)[5:] == ["beta"] * 5
    assert products(line.seen) == sorted(products(line.seen))
    by_product = {i.product: (i.context.recipe_hash, i.context.model_hash, i.threshold) for i in line.seen.inspections}
    for product, facts in by_product.items():
        loaded = station.load(product)
        assert facts == (loaded.recipe.hash, loaded.detector.model_hash, loaded.threshold)
    assert len(by_product) == 2
    assert set(causes(line.seen)) == {None}


def test_the_line_goes_on_while_a_product_loads(station):
    go_on = Waits()

    def load(product):
        go_on()
        return station.load(product)

    line = Line(station, load)

    def script():
        line.pipeline.change_product("beta")
        yield from (station.frame(i, station.bright) for i in range(50))
        go_on.set()
        yield from line.until("beta")
        yield station.frame(50, station.bright)

    line.run(script())
    assert set(line.seen.verdicts[:20]) == {FAIL}
    assert line.seen.verdicts[50] is PASS


def test_a_broken_recipe_is_refused_and_the_old_one_goes_on(station, caplog):
    station.recipe("beta").write_text("product: beta\nthreshhold: 3\n")
    line = Line(station)

    def script():
        line.pipeline.change_product("beta")
        line.tried()
        yield from (station.frame(i) for i in range(5))
        line.pipeline.change_product("gamma")  # a refusal does not end changeovers
        yield from line.until("gamma")
        yield station.frame(5)

    line.run(script())
    assert products(line.seen) == ["alpha"] * 5 + ["gamma"]
    assert "beta.yaml: unknown key threshhold" in caplog.text


def test_of_many_requests_in_a_row_the_last_one_holds(station):
    line = Line(station)

    def script():
        for number in range(50):
            yield station.frame(number, station.bright)
            line.pipeline.change_product(("alpha", "beta")[number % 2] if number < 49 else "gamma")
        yield from line.until("gamma")
        yield from (station.frame(i) for i in range(50, 60))

    line.run(script())
    assert products(line.seen)[50:] == ["gamma"] * 10
    assert line.pipeline.inspector.recipe.product == "gamma"
    assert set(causes(line.seen)) == {None}


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), SystemExit(1), MemoryError(), TimeoutError("slow")])
def test_a_changeover_that_fails_for_whatever_reason_is_refused_and_the_old_one_goes_on(station, caplog, error):
    def load(product):
        if product == "beta":
            raise error
        return station.load(product)

    line = Line(station, load)

    def script():
        line.pipeline.change_product("beta")
        line.tried()
        yield from (station.frame(i) for i in range(5))
        line.pipeline.change_product("gamma")
        yield from line.until("gamma")
        yield station.frame(5)

    line.run(script())
    assert products(line.seen) == ["alpha"] * 5 + ["gamma"]
    assert f"changeover refused, alpha goes on: beta: cannot be loaded ({type(error).__name__}" in caplog.text


def test_a_run_that_ends_while_a_product_loads_waits_for_it_without_complaint(station):
    line = Line(station)

    def script():
        yield 0
        line.pipeline.change_product("beta")

    assert line.run(script()).counts.passed == 1


def test_frames_are_what_the_sinks_get(station):
    """The picture that was judged, untouched."""
    frame = Frame(0, 0, station.frame(0, station.bright).image)
    seen, _ = run(Scripted([frame]), station.load())
    assert seen.inspections[0].image is frame.image
    assert (frame.image == station.bright).all()
