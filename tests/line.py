"""A line under test: scripted cameras, sinks that behave and sinks that do not, and the account of every run."""

import threading

import pytest

from inspector.errors import FrameLost
from inspector.outputs.base import OutputState, state_of
from inspector.pipeline import Pipeline
from inspector.records import Verdict
from inspector.testing import FakeCamera, ManualClock, MemoryOutput, MemorySink

PATIENCE_S = 60  # only a test that fails waits so long


class Scripted(FakeCamera):
    """A camera that remembers how many frames it handed out, lost ones included."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.handed = 0

    def read(self, timeout_s):
        try:
            frame = super().read(timeout_s)
        except FrameLost:
            self.handed += 1
            raise
        self.handed += frame is not None
        return frame


class Waits:
    """Something that tells the test's threads when to go on."""

    def __init__(self):
        self.event = threading.Event()

    def set(self):
        self.event.set()

    def __call__(self):
        assert self.event.wait(PATIENCE_S)


class Gate(MemorySink):
    """A sink that takes nothing until it is opened."""

    def __init__(self):
        super().__init__()
        self.open = Waits()

    def write(self, inspection, counts):
        self.open()
        super().write(inspection, counts)


class Fails(MemorySink):
    """A sink that raises at its nth write, and keeps what came before."""

    def __init__(self, error, at=3):
        super().__init__()
        self.error = error
        self.at = at
        self.failures = self.closings = 0

    def write(self, inspection, counts):
        if len(self.inspections) == self.at:
            self.failures += 1
            raise self.error
        super().write(inspection, counts)

    def close(self):
        self.closings += 1


class Hang:
    """Hangs whoever calls it until the test is over; meanwhile time runs, a second per tick of the line.

    Before that, time stands still: whatever else takes long on a busy machine is not taken for hanging.
    """

    def __init__(self):
        self.clock = ManualClock()
        self._begun = threading.Event()
        self._released = Waits()

    def __call__(self, *ignored):
        self._begun.set()
        self._released()

    def tick(self, line=None):
        if self._begun.is_set():
            self.clock.wait(1)

    @property
    def options(self):
        """For the pipeline: it takes its time from here, and has patience for 20 of these seconds."""
        return {"now_ns": self.clock, "tick": self.tick, "stall_s": 20}

    def let_go(self):
        """Let go."""
        self._released.set()

    def release(self):
        """Let go, and see that the thread that hung ends without touching anything."""
        self.let_go()
        for thread in line_threads():
            thread.join(PATIENCE_S)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Import this into a test module, and none of its tests may leave a thread behind."""
    yield
    assert not line_threads()


def line_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("line-")]


def run(camera, inspector, *others, **options):
    """Run to the end; returns what a sink saw, and the error or None. Checks the account of every run."""
    seen, output = MemorySink(), MemoryOutput()
    pipeline = Pipeline(camera, inspector, [seen, *others], [output], **options)
    error = None
    try:
        pipeline.run()
    except BaseException as raised:
        error = raised
    check_account(seen, pipeline, camera, output)
    return seen, error


def check_account(seen, pipeline, camera, output=None):
    """Each frame once, in order, and the counts add up at every moment; parts that a camera skipped come on top."""
    assert len(seen.inspections) >= camera.handed
    assert [i.index for i in seen.inspections] == list(range(len(seen.inspections)))
    tally = dict.fromkeys(Verdict, 0)
    for number, (inspection, counts) in enumerate(zip(seen.inspections, seen.counts, strict=True), 1):
        tally[inspection.verdict] += 1
        found = (counts.passed, counts.failed, counts.missed)
        assert found == (tally[Verdict.PASS], tally[Verdict.FAIL], tally[Verdict.MISSED])
        assert counts.captured == number
        assert (inspection.cause is not None) == (inspection.verdict is Verdict.MISSED)
    check_summary(pipeline)
    assert pipeline.summary.captured == len(seen.inspections)
    assert seen.closed
    if output:
        check_output(output, seen)


def check_summary(pipeline):
    """What came in has gone out."""
    counts, summary = pipeline.summary.counts, pipeline.summary
    assert summary.captured == counts.passed + counts.failed + counts.missed
    assert summary.under_way == 0


def check_output(output, seen):
    """The line was told the verdicts in order, as long as it ran, and was left in the safe state."""
    first, *told, last = output.states
    assert first[0] is last[0] is OutputState.SAFE
    wanted = [(state_of(inspection), inspection.index) for inspection in seen.inspections]
    told = [state for state in told if state[0] is not OutputState.SAFE]
    assert told == wanted[: len(told)]
    assert output.closed


def causes(seen):
    return [inspection.cause for inspection in seen.inspections]


def parts(seen):
    return [inspection.part for inspection in seen.inspections]
