"""The stages of one line: the channels between them, the threads they run on, and a replacement for one that hangs.

Threads started here, "line-NAME" each, or "line-CAMERA-NAME" where there are several cameras:

    capture         Capture.run
    inspect-1, ...  Judging.run
    deliver         Delivery.run
    record          Recording.run
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import cv2

from inspector.cameras.base import Camera
from inspector.channel import Channel, Overflow
from inspector.errors import StageStalled
from inspector.pipeline.capture import Capture
from inspector.pipeline.delivery import Delivery, Record, Recording
from inspector.pipeline.judging import JUDGES, Judging
from inspector.pipeline.ledger import PendingFrame
from inspector.pipeline.run import RunState
from inspector.pipeline.watchdog import ADVICE, Abandoned, Stage, Watchdog
from inspector.records import Frame, Inspection
from inspector.sinks.base import Sink


class Worker:
    """One thread that runs one stage. Passes its error to `fail`, and calls `ended` at its end."""

    def __init__(
        self,
        stage: Stage,
        work: Callable[[Stage], None],
        name: str,
        *,
        fail: Callable[[BaseException], None],
        ended: Callable[[], None],
    ) -> None:
        self.stage = stage
        self.name = name
        self._work = work
        self._fail = fail
        self._ended = ended
        self._done = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.start = self._thread.start

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def over(self) -> bool:
        """Return whether nothing more comes from it: it has ended, or hangs and was given up."""
        return self._done or self.stage.given_up

    def join(self, seconds: float) -> None:
        if self.alive:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work(self.stage)
        except Abandoned:
            return
        except BaseException as error:
            self._fail(error)
        finally:
            self._done = True
            self._ended()


MOST_BYTES = 256_000_000  # of pictures that wait in one place: 12 of 7 megapixels


class Stages:
    """Capture, inspection, delivery and recording. A thread that does the same thing for `stall_s` is given up."""

    def __init__(
        self,
        run: RunState,
        camera: Camera,
        journal: Sink | None,
        sinks: Sequence[Sink],
        overflow: Overflow,
        stall_s: float,
    ) -> None:
        self._run = run
        self._stall_s = stall_s
        self._watchdog = Watchdog(stall_s, run.now_ns)
        self.caller = Stage("caller")
        self._turn = threading.RLock()  # between one that hangs and its replacement, nothing is over
        self._left: list[Worker] = []  # those that hang and were replaced
        batch = run.inspector.recipe.batch_size
        self._frames: Channel[Frame] = Channel(2 * batch, overflow, weigh=_of_frame, most=MOST_BYTES)
        self._verdicts: Channel[PendingFrame | Inspection] = Channel(8 * batch, weigh=_of_news, most=MOST_BYTES)
        records: Channel[Record] = Channel(8 * batch, weigh=_of_record, most=MOST_BYTES)
        # As many as the parts whose patches can all have a core each: more of them take the cores from one another.
        detector = run.inspector.detector
        runs = run.inspector.grid.patches // detector.info.patches_at_once  # of the model, for a part
        judges = max(JUDGES, detector.at_once // runs)
        self._judging = Judging(self._frames, self._verdicts, run, judges)
        self._delivery = Delivery(self._verdicts, journal, records, run, waits=overflow is Overflow.WAIT)
        self._recording = Recording(records, sinks, run)
        self._capture = self._worker("capture", Capture(camera, self._frames, self._verdicts, run).run)
        self._inspect = [self._worker("inspect", self._judging.run, number) for number in range(1, judges + 1)]
        self._deliver = self._worker("deliver", self._delivery.run)
        self._record = self._worker("record", self._recording.run)

    def start(self) -> None:
        """Start the threads."""
        cv2.setNumThreads(1)  # each stage has its thread: OpenCV's own would wait for the core that another one is on
        for worker in self._workers:
            worker.start()

    @property
    def over(self) -> bool:
        """Return whether everything was delivered and recorded."""
        with self._turn:
            return self._record.over

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the last stage."""
        self._record.join(seconds)

    def look(self) -> None:
        """Replace every stage that hangs. Called on the watchdog's thread."""
        with self._turn:
            for stage, doing in self._watchdog.look([self.caller, *(worker.stage for worker in self._workers)]):
                self._replace(stage, doing)

    def leave(self, patience_s: float) -> None:
        """Wait for each thread that may still end; leave behind one that does not."""
        for worker in (*self._workers, *self._left):
            worker.join(0 if worker.stage.given_up else patience_s)
            if worker.alive:
                self._run.log.error("thread %s cannot be ended and is left behind", worker.name)

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return self._capture, *self._inspect, self._deliver, self._record

    def _worker(self, name: str, work: Callable[[Stage], None], number: int = 0) -> Worker:
        line, suffix = self._run.name, f"-{number}" if number else ""
        thread_name = f"line-{line}-{name}{suffix}" if line else f"line-{name}{suffix}"
        return Worker(Stage(name), work, thread_name, fail=self._run.fail, ended=self._close_channels)

    def _close_channels(self) -> None:
        """Close the channels of stages that are over. Called on the thread that ends."""
        judged = all(worker.over for worker in self._inspect)
        if self._capture.over or judged:
            self._frames.close()
        if self._capture.over and judged:
            self._verdicts.close()

    def _replace(self, stage: Stage, doing: str) -> None:
        """Take over from a thread that is given up: others must not wait for it, what it held must not be lost."""
        stalled = f"{stage.name} has not moved for {self._stall_s:g} s ({doing})"
        self._run.fail(StageStalled(f"{stalled}: {ADVICE[stage.name]}"))
        if stage in [worker.stage for worker in self._inspect]:
            self._judging.give_up(stage)
        if stage is self._deliver.stage:
            self._deliver = self._go_on(self._deliver, self._delivery)
        if stage is self._record.stage:
            self._record = self._go_on(self._record, self._recording)
        self._close_channels()

    def _go_on(self, left: Worker, work: Delivery | Recording) -> Worker:
        """Start another thread for the same work, without the job in which the old one hangs."""
        work.skip()
        self._left.append(left)
        worker = self._worker(left.stage.name, work.run)
        worker.start()
        return worker


def _of_frame(frame: Frame) -> int:
    return frame.image.nbytes


def _of_news(news: PendingFrame | Inspection) -> int:
    return news.nbytes if isinstance(news, Inspection) else 0


def _of_record(record: Record) -> int:
    return record[0].nbytes
