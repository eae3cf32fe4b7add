"""How a model runs: what a caller wants is cut into batches, and some threads work at them."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import TypeAlias

from inspector.records import Patches, Prediction

Run: TypeAlias = Callable[[Patches], Prediction]
Working: TypeAlias = Callable[[], AbstractContextManager[None]]
Job: TypeAlias = deque[tuple[Patches, "Future[Prediction]"]]


class Runners:
    """Calls `run` with batches of these sizes, from at most `at_once` threads; `working` is entered around each batch.

    A caller works at its own batches, helped by threads of this object where there are several; so a single patch is
    handed to nobody. The threads are started when they are first needed and end with the object.
    """

    def __init__(self, run: Run, sizes: Sequence[int], at_once: int, working: Working = contextlib.nullcontext) -> None:
        self._sizes = sizes
        self._at_once = at_once
        self._tools = run, working, threading.BoundedSemaphore(at_once)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._helpers = 0
        weakref.finalize(self, _dismiss, self._jobs, at_once - 1)

    def __call__(self, patches: Patches) -> Prediction:
        """Maps and scores of these patches. Raises what `run` raises; what is left is not run then."""
        batches = cut(len(patches), self._sizes, self._at_once)
        job: Job = deque((patches[start:stop], Future()) for start, stop in batches)
        found = [future for _, future in job]
        helpers = min(len(job), self._at_once) - 1
        self._start(helpers)
        for _ in range(helpers):
            self._jobs.put(job)
        _work(job, *self._tools)
        return Prediction.concatenate([each.result() for each in found])

    def _start(self, helpers: int) -> None:
        with self._starting:
            while self._helpers < helpers:
                self._helpers += 1
                # It knows only these, not this object, which would never be gone otherwise. A model that hangs must
                # not keep the program from ending: no ThreadPoolExecutor, which is waited for at exit.
                tools = self._jobs, *self._tools
                threading.Thread(target=_help, args=tools, name=f"model-{self._helpers}", daemon=True).start()


def cut(count: int, sizes: Sequence[int], at_once: int = 1) -> Iterator[tuple[int, int]]:
    """Start and stop of each batch, as large as leaves every thread its share; what is left over in smaller ones."""
    share = -(-count // at_once)
    start = 0
    while start < count:
        stop = start + max(size for size in sizes if size <= min(share, count - start))
        yield start, stop
        start = stop


def _help(jobs: SimpleQueue[Job | None], run: Run, working: Working, turns: threading.BoundedSemaphore) -> None:
    while (job := jobs.get()) is not None:
        _work(job, run, working, turns)
        del job  # the next wait may be long: keep no pictures


def _work(job: Job, run: Run, working: Working, turns: threading.BoundedSemaphore) -> None:
    """Run the batches of a job that nobody has taken yet."""
    while True:
        try:
            patches, found = job.popleft()
        except IndexError:
            return
        try:
            with turns, working():
                found.set_result(run(patches))
        except BaseException as error:  # whatever it is: the caller waits for an answer
            job.clear()  # all that comes later: nobody waits for it
            found.set_exception(error)


def _dismiss(jobs: SimpleQueue[Job | None], helpers: int) -> None:
    for _ in range(helpers):
        jobs.put(None)
