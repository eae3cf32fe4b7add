"""Things to do one after the other, of which one that fails or hangs must not keep the others from being done."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inspector.pipeline.watchdog import Abandoned, Stage
from inspector.records import Counts, Inspection
from inspector.sinks.base import Sink


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do. `what` names it where it may hang by itself; empty where it merely waits for another stage."""

    what: str
    do: Callable[[], None]
    sink: Sink | None = None  # whose it is


class Jobs:
    """What is to be done with some sinks, and in between. One thread at a time works it off; when that one hangs,
    another goes on.

    A sink that raises is closed and gets nothing more; the error goes to `fail`, and the others still get everything.
    """

    def __init__(self, sinks: Sequence[Sink], fail: Callable[[BaseException], None]) -> None:
        self._sinks = list(sinks)
        self._fail = fail
        self._jobs: deque[Job] = deque()
        self._ending = False

    def add(self, job: Job) -> None:
        """Something that is not a sink's."""
        self._jobs.append(job)

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """One verdict for every sink."""
        self._jobs.extend(_writing(sink, inspection, counts) for sink in self._sinks)

    def serves(self, sink: Sink) -> bool:
        """Whether it still gets what is written."""
        return any(sink is other for other in self._sinks)

    def end(self, before: Sequence[Job] = (), after: Sequence[Job] = ()) -> None:
        """Close every sink; nothing comes after this. Asked again by the next thread, it adds nothing."""
        if not self._ending:
            self._ending = True
            self._jobs.extend([*before, *(_closing(sink) for sink in self._sinks), *after])

    def work_off(self, stage: Stage) -> None:
        """Do everything there is. Raises Abandoned where another thread has taken over."""
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
