"""The account of frames and their deadlines, on a clock that the test sets; then in a whole line."""

import logging

import pytest
from line import Gate, Scripted, Waits, causes, check_account, no_thread_is_left  # noqa: F401

from inspector.identity import PartIdentity
from inspector.inspection import load_inspector
from inspector.outputs.base import OutputState
from inspector.pipeline import Pipeline
from inspector.pipeline.ledger import Ledger, PendingFrame
from inspector.records import Cause, Verdict
from inspector.testing import ManualClock, MemoryOutput, blank_frame


class Book:
    """A ledger, its clock, and what came too late."""

    def __init__(self, inspector):
        self.inspector = inspector
        self.clock = ManualClock()
        self.late = []
        self.ledger = Ledger(self.clock, self.late.append)

    def capture(self, *indices):
        for index in indices:
            self.ledger.take(PendingFrame(PartIdentity(index, self.clock(), f"part-{index}"), self.inspector))

    def judge(self, *indices):
        for index in indices:
            self.ledger.take(self.inspector.inspect([blank_frame(index, self.clock())])[0])

    def miss(self, index, cause):
        self.ledger.take(self.inspector.missed(PartIdentity(index, self.clock()), cause, "lost"))

    def popped(self):
        """Everything that can be handed out now, as (frame, cause or verdict)."""
        found = iter(self.ledger.pop, None)
        return [(each.index, each.cause or each.verdict) for each in found]


@pytest.fixture
def book(station):
    station.write(deadline_ms=50)
    return Book(station.load())


def test_verdicts_come_in_the_order_of_frames(book):
    book.capture(0, 1, 2)
    book.judge(2, 1)
    assert book.popped() == []
    book.judge(0)
    assert book.popped() == [(0, Verdict.PASS), (1, Verdict.PASS), (2, Verdict.PASS)]


def test_the_latency_counts_the_wait_for_earlier_verdicts(book):
    book.capture(0, 1)
    book.judge(1)
    book.clock.wait(0.02)
    book.judge(0)
    assert [each.latency_ms for each in iter(book.ledger.pop, None)] == [0, 20]


def test_a_frame_is_missed_at_its_deadline_and_not_before(book):
    book.capture(0)
    book.clock.wait(0.0499)
    assert book.popped() == []
    assert book.ledger.patience_s(9) == pytest.approx(0.0001)
    book.clock.wait(0.0001)
    assert book.popped() == [(0, Cause.DEADLINE)]


def test_a_judgement_that_drifts_in_late_is_told_and_counts_as_nothing(book):
    book.capture(0, 1)
    book.clock.wait(0.05)
    assert book.popped() == [(0, Cause.DEADLINE), (1, Cause.DEADLINE)]
    book.judge(0)
    assert [each.index for each in book.late] == [0]
    book.capture(2)
    book.judge(2)
    assert book.popped() == [(2, Verdict.PASS)]


def test_a_judgement_in_time_that_is_handed_out_late_is_late(book):
    """The line has not heard of it before, so for the line it is as late as any."""
    book.capture(0)
    book.judge(0)
    book.clock.wait(0.05)
    assert book.popped() == [(0, Cause.DEADLINE)]
    assert len(book.late) == 1


def test_of_two_verdicts_the_first_counts(book):
    book.capture(0)
    book.miss(0, Cause.OVERFLOW)
    book.judge(0)
    assert book.popped() == [(0, Cause.OVERFLOW)]
    book.miss(0, Cause.SHUTDOWN)
    assert (book.popped(), book.late) == ([], [])


def test_at_the_end_everything_owed_is_missed(book):
    book.capture(0, 1, 2)
    book.judge(1)
    book.ledger.close()
    assert book.popped() == [(0, Cause.SHUTDOWN), (1, Verdict.PASS), (2, Cause.SHUTDOWN)]


def test_without_a_deadline_any_time_will_do(station):
    book = Book(station.load())
    book.capture(0)
    book.clock.wait(1e6)
    assert book.popped() == []
    assert book.ledger.patience_s(9) == 9
    book.judge(0)
    assert book.popped() == [(0, Verdict.PASS)]


def test_a_slow_model_gets_its_part_rejected_at_the_deadline_and_is_counted_late(station, caplog):
    """The line is told while the model is still at it and a sink takes nothing; only then both may go on."""
    caplog.set_level(logging.WARNING)
    station.write(deadline_ms=50)
    clock, begun, model, told, slow_sink = ManualClock(), Waits(), Waits(), Waits(), Gate()

    def slow():  # asked by the inspection for the latency of each part
        begun.set()
        model()
        return clock()

    class Tells(MemoryOutput):
        def apply(self, inspection):
            super().apply(inspection)
            told.set()

    def script():
        yield blank_frame(0, clock())
        begun()
        clock.wait(0.2)
        told()
        assert output.states[1:] == [(OutputState.REJECT, 0)]
        model.set()
        yield blank_frame(1, clock())
        slow_sink.open.set()

    inspector = load_inspector("alpha", station.config, station.models, slow)
    camera, output = Scripted(script(), live=False), Tells()
    pipeline = Pipeline(camera, inspector, [slow_sink], [output], now_ns=clock)
    assert pipeline.run().late == 1
    check_account(slow_sink, pipeline, camera, output)
    assert causes(slow_sink) == [Cause.DEADLINE, None]
    assert slow_sink.inspections[0].detail == "no verdict within 50 ms"
    assert "frame 0: judged PASS after 200.0 ms, not told before its deadline: it is MISSED" in caplog.text
