"""Hand the verdicts out in frame order, in time: into the log, to the outputs, and on to the other sinks.

Threads: `Delivery.run` runs on "line-deliver", `Recording.run` on "line-record". A thread that hangs is replaced by
another one that goes on with the jobs behind the one it hangs in.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from inspector.channel import Channel
from inspector.pipeline.ledger import Ledger, PendingFrame
from inspector.pipeline.run import RunState
from inspector.pipeline.watchdog import Abandoned, Stage
from inspector.records import Counts, Inspection, Verdict
from inspector.sinks.base import Sink


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do. `what` names it where it may hang by itself; empty where it merely waits for another stage."""

    what: str
    do: Callable[[], None]
    sink: Sink | None = None  # whose it is


class Jobs:
    """Jobs for some sinks, and others between them, done one after the other by one thread at a time.

    A sink that raises is closed and gets nothing more; the error goes to `fail`, and the others still get everything.
    """

    def __init__(self, sinks: Sequence[Sink], fail: Callable[[BaseException], None]) -> None:
        self._sinks = list(sinks)
        self._fail = fail
        self._jobs: deque[Job] = deque()
        self._ending = False

    def add(self, job: Job) -> None:
        """Add a job that is not a sink's."""
        self._jobs.append(job)

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Add one verdict for every sink."""
        self._jobs.extend(_writing(sink, inspection, counts) for sink in self._sinks)

    def serves(self, sink: Sink) -> bool:
        """Return whether a sink still gets what is written."""
        return any(sink is other for other in self._sinks)

    def end(self, before: Sequence[Job] = (), after: Sequence[Job] = ()) -> None:
        """Close every sink; nothing comes after this. A second call, by the next thread, adds nothing."""
        if not self._ending:
            self._ending = True
            self._jobs.extend([*before, *(_closing(sink) for sink in self._sinks), *after])

    def work_off(self, stage: Stage) -> None:
        """Do all jobs. Raises Abandoned where another thread has taken over."""
        while self._jobs:
            job = self._jobs[0]
            try:
                with stage.doing(job.what):
                    job.do()
            except Abandoned:
                raise
            except BaseException as error:
                self._give_up(job, error)
            else:
                self._jobs.popleft()

    def skip(self) -> None:
        """Leave out the job that the given-up thread hangs in, and its sink from now on."""
        job = self._jobs.popleft()
        if job.sink in self._sinks:
            self._drop(job.sink)

    def _give_up(self, job: Job, error: BaseException) -> None:
        self._jobs.popleft()
        self._fail(error)
        if job.sink in self._sinks and not self._ending:
            self._drop(job.sink)
            self._jobs.appendleft(_closing(job.sink))

    def _drop(self, sink: Sink) -> None:
        self._sinks = [other for other in self._sinks if other is not sink]


def _writing(sink: Sink, inspection: Inspection, counts: Counts) -> Job:
    return Job(f"writing to {type(sink).__name__}", functools.partial(sink.write, inspection, counts), sink)


def _closing(sink: Sink) -> Job:
    return Job(f"closing {type(sink).__name__}", sink.close, sink)


TICK_S = 0.05  # how soon a deadline is noticed where tests set the clock
AT_ONCE = 64  # news taken together

Record: TypeAlias = tuple[Inspection, Counts]


class Delivery:
    """From `verdicts` to journal and outputs, then into `records`. One thread at a time runs it.

    The journal comes first: what the line was told must be written down whatever happens next. The other sinks have
    their own time, for a deadline does not wait while a picture is saved; what the journal could not keep they never
    get. Where the line `waits`, it also waits for room in `records`; else what finds no room there goes on without its
    pictures.
    """

    def __init__(
        self,
        verdicts: Channel[PendingFrame | Inspection],
        journal: Sink | None,
        records: Channel[Record],
        run: RunState,
        *,
        waits: bool,
    ) -> None:
        self._verdicts = verdicts
        self._records = records
        self._run = run
        self._waits = waits
        self._ledger = Ledger(run.now_ns, run.note_late)
        self._journal = journal
        self._jobs = Jobs([journal] if journal else [], run.fail)
        self.skip = self._jobs.skip

    def run(self, stage: Stage) -> None:
        """Deliver until nothing more comes, then close outputs, journal and `records`."""
        try:
            self._deliver(stage)
        except Abandoned:
            raise
        except BaseException:
            self._records.close()
            raise

    def _deliver(self, stage: Stage) -> None:
        self._jobs.work_off(stage)  # what a thread before this one left
        while not self._verdicts.finished:
            for news in self._verdicts.take(AT_ONCE, self._ledger.patience_s(TICK_S)):
                self._ledger.take(news)
            self._hand_out(stage)
        self._ledger.close()
        self._hand_out(stage)
        self._jobs.end([Job("closing the outputs", self._run.outputs.close)], [Job("", self._records.close)])
        self._jobs.work_off(stage)

    def _hand_out(self, stage: Stage) -> None:
        while (inspection := self._ledger.pop()) is not None:
            inspection = self._tellable(inspection)
            counts = self._run.stats.record(inspection)
            self._jobs.write(inspection, counts)
            self._jobs.add(Job("driving the outputs", functools.partial(self._run.outputs.apply, inspection)))
            self._jobs.add(Job("", functools.partial(self._pass_on, inspection, counts)))
            self._jobs.work_off(stage)

    def _tellable(self, inspection: Inspection) -> Inspection:
        """Return the verdict, or MISSED in place of PASS while an output is away: the line would not pass the part."""
        away = self._run.outputs.away
        return inspection.not_told(away) if away and inspection.verdict is Verdict.PASS else inspection

    def _pass_on(self, inspection: Inspection, counts: Counts) -> None:
        if self._journal is not None and not self._jobs.serves(self._journal):
            return  # what the journal does not have is not announced
        if self._waits:
            self._records.put((inspection, counts))
        elif self._records.full:
            self._records.put_unbounded((inspection.without_pictures(), counts))
        else:
            self._records.put_unbounded((inspection, counts))


class Recording:
    """From `records` to the sinks that the line does not wait for. One thread at a time runs it."""

    def __init__(self, records: Channel[Record], sinks: Sequence[Sink], run: RunState) -> None:
        self._records = records
        self._jobs = Jobs(sinks, run.fail)
        self.skip = self._jobs.skip

    def run(self, stage: Stage) -> None:
        """Write until nothing more comes, then close the sinks."""
        self._jobs.work_off(stage)
        while not self._records.finished:
            for inspection, counts in self._records.take(1):  # one: a thread that hangs must not hold others
                self._jobs.write(inspection, counts)
            self._jobs.work_off(stage)
        self._jobs.end()
        self._jobs.work_off(stage)
