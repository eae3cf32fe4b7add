"""What sinks and outputs can do to a line. Every run's account and outputs are checked by `run`."""

import csv
import itertools
import json
from datetime import datetime, timedelta, timezone

import pytest
from line import Fails, Hang, Scripted, check_summary, run

from inspector.errors import OutputError, SinkError, StageStalled
from inspector.outputs.base import OutputState
from inspector.pipeline import Pipeline, run_together
from inspector.records import Verdict
from inspector.sinks.log import LogSink
from inspector.testing import FakeCamera, MemoryOutput, MemorySink

PASS, FAIL, MISSED = Verdict.PASS, Verdict.FAIL, Verdict.MISSED
START = datetime(2024, 5, 1, 12, 30, tzinfo=timezone.utc)


class RaisesOnce(MemorySink):
    """It would take the next verdict again, but is not asked to."""

    def write(self, inspection, counts):
        if len(self.inspections) == 2:
            self.inspections.append(None)
            raise SinkError("disk full")
        super().write(inspection, counts)


class Hangs(MemorySink):
    """A sink that hangs in one write, or in closing."""

    def __init__(self, hang, at):
        super().__init__()
        self._hang = hang
        self._at = at

    def write(self, inspection, counts):
        if len(self.inspections) == self._at:
            self._hang()
        super().write(inspection, counts)

    def close(self):
        if self._at is None:
            self._hang()
        super().close()


def endless(station, live=False):
    return Scripted(map(station.frame, itertools.count()), live)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("bad", [RaisesOnce, lambda: Fails(SinkError("disk full"), at=0)])
def test_a_sink_that_raises_ends_the_run_and_no_row_is_lost_elsewhere(station, tmp_path, bad, live):
    log = LogSink(tmp_path, lambda: START)
    seen, error = run(endless(station, live), station.load(), bad(), log)
    assert str(error) == "disk full"
    assert frames_of(log) == list(range(len(seen.inspections)))


def test_a_sink_that_hangs_is_named_and_no_row_is_lost_elsewhere(station, hang, tmp_path):
    log = LogSink(tmp_path, lambda: START)
    stuck, behind = Hangs(hang, at=3), MemorySink()
    seen, error = run(endless(station), station.load(), stuck, behind, log, **hang.options)
    assert isinstance(error, StageStalled)
    assert str(error).startswith("record has not moved for 20 s (writing to Hangs): check where it goes")
    assert len(stuck.inspections) == 3
    assert behind.inspections == seen.inspections
    assert behind.closed
    assert frames_of(log) == list(range(len(seen.inspections)))
    hang.release()
    assert behind.inspections == seen.inspections  # the thread that hung has delivered nothing a second time
    assert not stuck.closed


def test_what_a_log_that_hangs_may_not_have_is_announced_to_nobody(station, hang):
    stuck, behind, output = Hangs(hang, at=3), MemorySink(), MemoryOutput()
    line = Pipeline(endless(station), station.load(), [behind], [output], journal=stuck, **hang.options)
    with pytest.raises(StageStalled, match=r"deliver has not moved for 20 s \(writing to Hangs\): check the outputs"):
        line.run()
    assert [inspection.index for inspection in behind.inspections] == [0, 1, 2]
    assert behind.closed
    assert [index for state, index in output.states if state is not OutputState.SAFE] == [0, 1, 2]
    assert output.state is OutputState.SAFE
    check_summary(line)
    hang.release()
    assert len(stuck.inspections) == 4  # the one in which it hung
    assert not stuck.closed


def test_two_sinks_that_hang_are_both_left_out(station, hang):
    behind = MemorySink()
    seen, error = run(endless(station), station.load(), Hangs(hang, 3), Hangs(hang, 7), behind, **hang.options)
    assert isinstance(error, StageStalled)
    assert behind.inspections == seen.inspections


def test_a_sink_that_hangs_in_closing_is_named_and_the_others_are_closed(station, hang):
    behind = MemorySink()
    seen, error = run(Scripted(range(5)), station.load(), Hangs(hang, None), behind, **hang.options)
    assert "(closing Hangs)" in str(error)
    assert behind.closed
    assert seen.verdicts == [PASS] * 5


def test_an_output_that_fails_ends_the_run_and_the_others_go_safe(station):
    class Gone(MemoryOutput):
        def apply(self, inspection):
            if inspection.index == 3:
                raise OutputError("controller gone")
            super().apply(inspection)

    gone, other, seen = Gone(), MemoryOutput(), MemorySink()
    pipeline = Pipeline(FakeCamera(itertools.count(), live=False), station.load(), [seen], [gone, other])
    with pytest.raises(OutputError, match="controller gone"):
        pipeline.run()
    assert [state for state, _ in other.states] == [OutputState.SAFE, *[OutputState.PASS] * 3, OutputState.SAFE]
    assert (gone.state, other.state, other.why) == (OutputState.SAFE, OutputState.SAFE, "controller gone")
    assert seen.verdicts[:4] == [PASS] * 4  # the log has what the output never told
    check_summary(pipeline)


@pytest.mark.parametrize("moment", ["apply", "safe"])
def test_an_output_that_hangs_does_not_keep_the_others_from_safety(station, moment):
    hang, ends = Hang(), Hang()

    class Stuck(MemoryOutput):
        def apply(self, inspection):
            if moment == "apply" and inspection.index == 3:
                hang()
            super().apply(inspection)

        def safe(self, why):
            if moment == "safe":
                ends()
            super().safe(why)

    stuck, other, seen = Stuck(), MemoryOutput(), MemorySink()
    pipeline = Pipeline(FakeCamera(range(100), live=False), station.load(), [seen], [stuck, other], **hang.options)
    if moment == "apply":
        with pytest.raises(StageStalled, match=r"driving the outputs"):
            pipeline.run()
    else:
        pipeline.run()
    check_summary(pipeline)
    assert other.state is OutputState.SAFE
    assert len(seen.inspections) == pipeline.summary.captured
    ends.let_go()
    hang.release()
    assert stuck.state is OutputState.SAFE  # and stays so, although a PASS was under way


def test_the_callers_thread_that_hangs_cannot_keep_the_line_from_safety(station, hang):
    """A window whose display has gone, a network folder of recipes: nothing but the process's end helps."""

    def clock():
        hang.tick()
        return hang.clock()

    output, seen, ended = MemoryOutput(), MemorySink(), []

    def end():
        ended.append((output.state, list(seen.verdicts)))
        hang.let_go()

    camera = Scripted(map(station.frame, itertools.count()), live=False)
    pipeline = Pipeline(camera, station.load(), [seen], [output], tick=hang, stall_s=20, now_ns=clock)
    run_together([pipeline], end)
    with pytest.raises(StageStalled, match="caller has not moved for 20 s"):
        pipeline.result()
    assert ended[0][0] is OutputState.SAFE
    assert ended[0][1] == seen.verdicts
    check_summary(pipeline)


def test_a_wall_clock_that_jumps_moves_only_the_stamps(station, tmp_path):
    """Back by a day in the middle of the run, as a time server may want it: order, account and latencies hold."""
    days = itertools.count()
    log = LogSink(tmp_path, lambda: START - timedelta(days=next(days)))
    seen, error = run(Scripted(map(station.frame, range(20)), live=False), station.load(), log)
    assert error is None
    assert seen.verdicts == [PASS] * 20
    assert frames_of(log) == list(range(20))
    stamps = [row["utc"] for row in rows_of(log)]
    assert stamps == sorted(stamps, reverse=True)


def frames_of(log):
    """The frames in both files of a log, which tell the same."""
    table = [int(row["frame"]) for row in rows_of(log)]
    lines = [json.loads(line)["frame"] for line in log.paths[1].read_text("utf-8").splitlines()]
    assert table == lines
    return table


def rows_of(log):
    with log.paths[0].open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
