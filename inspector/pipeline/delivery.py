"""Hands the verdicts out in frame order: to the outputs, which the line waits for, then to the sinks."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inspector.channel import Channel
from inspector.pipeline.ledger import Captured, Ledger
from inspector.pipeline.safety import Outputs
from inspector.pipeline.watchdog import Abandoned, Stage
from inspector.records import Counts, Inspection
from inspector.sinks.base import Sink
from inspector.stats import Stats

TICK_S = 0.05  # how soon a deadline is noticed on a clock that somebody else sets
AT_ONCE = 64  # news taken together


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing to do with the outputs or one sink."""

    sink: Sink | None  # None: the outputs
    what: str
    do: Callable[[], None]


class Delivery:
    """From `verdicts` to outputs and sinks. One thread at a time runs it; when that one hangs, another goes on.

    A sink that raises is closed and gets nothing more; the error goes to `fail`, and the others still get everything.
    """

    def __init__(
        self,
        verdicts: Channel[Captured | Inspection],
        outputs: Outputs,
        sinks: Sequence[Sink],
        *,
        ledger: Ledger,
        stats: Stats,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._verdicts = verdicts
        self._outputs = outputs
        self._sinks = list(sinks)
        self._ledger = ledger
        self._stats = stats
        self._fail = fail
        self._jobs: deque[_Job] = deque()
        self._closing = False

    def run(self, stage: Stage) -> None:
        """Deliver until nothing more comes, then close the outputs and sinks."""
        self._work_off(stage)  # what a thread before this one left
        while not self._verdicts.finished:
            for news in self._verdicts.take(AT_ONCE, self._ledger.patience_s(TICK_S)):
                self._ledger.take(news)
            self._hand_out(stage)
        self._ledger.close()
        self._hand_out(stage)
        self._close(stage)

    def skip(self) -> None:
        """Leave out the job that the given-up thread hangs in, and its sink from now on."""
        job = self._jobs.popleft()
        if job.sink in self._sinks:
            self._drop(job.sink)

    def _hand_out(self, stage: Stage) -> None:
        while (inspection := self._ledger.pop()) is not None:
            counts = self._stats.record(inspection)
            self._jobs.append(_Job(None, "driving the outputs", functools.partial(self._outputs.apply, inspection)))
            self._jobs.extend(_writing(sink, inspection, counts) for sink in self._sinks)
            self._work_off(stage)

    def _close(self, stage: Stage) -> None:
        if not self._closing:
            self._closing = True
            self._jobs.append(_Job(None, "closing the outputs", self._outputs.close))
            self._jobs.extend(_closing(sink) for sink in self._sinks)
        self._work_off(stage)

    def _work_off(self, stage: Stage) -> None:
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

    def _give_up(self, job: _Job, error: BaseException) -> None:
        self._jobs.popleft()
        self._fail(error)
        if job.sink in self._sinks and not self._closing:
            self._drop(job.sink)
            self._jobs.appendleft(_closing(job.sink))

    def _drop(self, sink: Sink) -> None:
        self._sinks = [other for other in self._sinks if other is not sink]


def _writing(sink: Sink, inspection: Inspection, counts: Counts) -> _Job:
    return _Job(sink, f"writing to {type(sink).__name__}", functools.partial(sink.write, inspection, counts))


def _closing(sink: Sink) -> _Job:
    return _Job(sink, f"closing {type(sink).__name__}", sink.close)
