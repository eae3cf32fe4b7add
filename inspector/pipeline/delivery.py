"""Hands the verdicts out in frame order, in time: into the log, to the outputs, and on to the other sinks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeAlias

from inspector.channel import Channel
from inspector.pipeline.jobs import Job, Jobs
from inspector.pipeline.ledger import Ledger, PendingFrame
from inspector.pipeline.run import Run
from inspector.pipeline.watchdog import Abandoned, Stage
from inspector.records import Counts, Inspection, Verdict
from inspector.sinks.base import Sink

TICK_S = 0.05  # how soon a deadline is noticed on a clock that somebody else sets
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
        run: Run,
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
        """The verdict, but no PASS while there is an output that cannot be told of it: the line would not pass it."""
        away = self._run.outputs.away
        return inspection.not_told(away) if away and inspection.verdict is Verdict.PASS else inspection

    def _pass_on(self, inspection: Inspection, counts: Counts) -> None:
        if self._journal is not None and not self._jobs.serves(self._journal):
            return  # nobody announces what the journal does not have
        if self._waits:
            self._records.put((inspection, counts))
        elif self._records.full:
            self._records.put_unbounded((inspection.without_pictures(), counts))
        else:
            self._records.put_unbounded((inspection, counts))


class Recording:
    """From `records` to the sinks that the line does not wait for. One thread at a time runs it."""

    def __init__(self, records: Channel[Record], sinks: Sequence[Sink], run: Run) -> None:
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
