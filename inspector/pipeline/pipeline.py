"""One line: its threads, and the eye on them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import cv2

from inspector.cameras.base import Camera
from inspector.channel import Channel, Overflow
from inspector.errors import InspectorError, StageStalled
from inspector.inspection import Inspector
from inspector.outputs.base import Output
from inspector.pipeline.capture import Capture
from inspector.pipeline.changeover import Changeover, LoadInspector
from inspector.pipeline.delivery import Delivery, Record, Recording
from inspector.pipeline.judging import JUDGES, Judging
from inspector.pipeline.ledger import Captured, Ledger
from inspector.pipeline.safety import Outputs
from inspector.pipeline.together import NamedLog, run_together
from inspector.pipeline.watchdog import ADVICE, Stage, Watchdog
from inspector.pipeline.worker import Worker
from inspector.records import Frame, Inspection
from inspector.sinks.base import Sink
from inspector.stats import Stats, Summary

STALL_S = 20.0  # longer than any camera blocks: opening gives up after 10 s, reading after 5, and a read may do both
NEWS_PERIOD_NS = 10_000_000_000  # of the live account in the program's own log
PARTING_S = 1.0  # for the threads, where the user would not wait for the run's own end


class Pipeline:
    """One camera, one inspector at a time, any number of outputs and sinks.

    Every frame captured gets exactly one verdict, and verdicts are delivered in frame order. Whatever goes wrong, the
    run winds up the same way: the outputs go to their safe state, what was captured and not judged is delivered as
    MISSED, then the error is raised.

    `journal` has each verdict before any output, and `sinks` have it after that, in their own time: they may be slow.
    `load` makes the inspector of another product, warmed up, for a changeover. `tick` is called on the caller's
    thread, every 0.05 s and once more at the end: for whatever has to be looked at now and then. A stage that does the
    same thing for `stall_s` ends the run with StageStalled. `overflow` None: a replay waits, a live camera does not.
    """

    def __init__(
        self,
        camera: Camera,
        inspector: Inspector,
        sinks: Sequence[Sink],
        outputs: Sequence[Output] = (),
        *,
        name: str = "",
        journal: Sink | None = None,
        load: LoadInspector | None = None,
        tick: Callable[[], None] = lambda: None,
        overflow: Overflow | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        stall_s: float = STALL_S,
    ) -> None:
        self.name = name
        self._log = NamedLog(logging.getLogger(__name__), {"name": name})
        self._inspector = inspector
        self._tick = tick
        self._now_ns = now_ns
        self._stall_s = stall_s
        self._stopping = False  # no Event: its lock would be taken twice where a signal interrupts `stop`
        self._errors: list[BaseException] = []
        self._left: list[Worker] = []  # those that hang and were replaced
        self._stats = Stats(now_ns)
        self._news_ns = now_ns() + NEWS_PERIOD_NS
        self._outputs = Outputs(outputs, self._log)
        self._watchdog = Watchdog(stall_s, now_ns)
        self._changeover = self._make_changeover(load) if load else None
        self._make_stages(camera, journal, sinks, overflow or (Overflow.NEWEST if camera.live else Overflow.WAIT))

    def run(self) -> Summary:
        """Inspect until the source ends or `stop` is called; returns what was done.

        Raises the first error of any stage, after every captured frame has its verdict and the sinks are closed.
        """
        run_together([self])
        return self.result()

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self._stopping = True

    @property
    def summary(self) -> Summary:
        """The run so far."""
        return self._stats.summary()

    @property
    def inspector(self) -> Inspector:
        """The one that judges at present."""
        return self._inspector

    @property
    def failed(self) -> bool:
        """Whether any stage has raised an error."""
        return bool(self._errors)

    def change_product(self, product: str) -> None:
        """Load and warm the recipe of `product` beside the running one, then swap between two frames.

        Returns at once. A recipe that cannot be used is refused in the log and the old one goes on. Asking again
        while one is loading replaces what comes after it.
        """
        if self._changeover and not self._stopping:
            self._changeover.ask(product)

    # ---- the life of a run, on the caller's thread

    def start(self) -> None:
        """Start the threads."""
        cv2.setNumThreads(1)  # each stage has its thread: OpenCV's own would wait for the core that another one is on
        for worker in self._workers:
            worker.start()

    @property
    def running(self) -> bool:
        """Whether there is still something to deliver."""
        return not self._record.over

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the end of the run."""
        self._record.join(seconds)

    def look(self) -> None:
        """What has to be done now and then: replace who hangs, tell how it goes, tick."""
        for stage, doing in self._watchdog.look(worker.stage for worker in self._workers):
            self._replace(stage, doing)
        if self._now_ns() >= self._news_ns:
            self._news_ns = self._now_ns() + NEWS_PERIOD_NS
            self._log.info("%s", self.summary.account)
        self._call_tick()

    def wind_up(self) -> None:
        """Leave nothing behind: no thread, unless it hangs or the user would not wait, and no output unsafe."""
        self.stop()
        self._record.join(PARTING_S)
        self._outputs.safe("the run has ended")
        if self._changeover and not self._changeover.end(PARTING_S if self.running else self._stall_s):
            self._log.error("a product is still loading: its thread is left behind")
        for worker in (*self._workers, *self._left):
            worker.join(0 if worker.stage.given_up else PARTING_S)
            if worker.alive:
                self._log.error("thread %s cannot be ended and is left behind", worker.name)
        self._call_tick()

    def result(self) -> Summary:
        """What was done. Raises the first error of any stage; the others were logged."""
        if self._errors:
            raise self._errors[0]
        return self.summary

    # ---- the stages

    def _make_stages(self, camera: Camera, journal: Sink | None, sinks: Sequence[Sink], overflow: Overflow) -> None:
        batch = self._inspector.recipe.batch_size
        self._frames: Channel[Frame] = Channel(2 * batch, overflow)
        self._verdicts: Channel[Captured | Inspection] = Channel(8 * batch)
        records: Channel[Record] = Channel(8 * batch)
        self._capturing = Capture(
            camera,
            self._frames,
            self._verdicts,
            inspector=lambda: self._inspector,
            stats=self._stats,
            stopping=lambda: self._stopping,
            log=self._log,
        )
        self._judging = Judging(
            self._frames,
            self._verdicts,
            inspector=lambda: self._inspector,
            fail=self._fail,
            stopping=lambda: self._stopping,
            now_ns=self._now_ns,
        )
        self._delivery = Delivery(
            self._verdicts,
            journal,
            self._outputs,
            records,
            waits=overflow is Overflow.WAIT,
            ledger=Ledger(self._now_ns, self._note_late),
            stats=self._stats,
            fail=self._fail,
        )
        self._recording = Recording(records, sinks, fail=self._fail)
        self._capture = self._worker("capture", self._capturing.run)
        self._inspect = [self._worker("inspect", self._judging.run, number) for number in range(1, JUDGES + 1)]
        self._deliver = self._worker("deliver", self._delivery.run)
        self._record = self._worker("record", self._recording.run)

    @property
    def _workers(self) -> tuple[Worker, ...]:
        return self._capture, *self._inspect, self._deliver, self._record

    def _worker(self, name: str, work: Callable[[Stage], None], number: int = 0) -> Worker:
        prefix, suffix = f"line-{self.name}-" if self.name else "line-", f"-{number}" if number else ""
        return Worker(Stage(name), work, prefix + name + suffix, fail=self._fail, ended=self._close_channels)

    def _close_channels(self) -> None:
        """Called whenever a stage is over: who waits for it is told that nothing more comes, or is taken."""
        judged = all(worker.over for worker in self._inspect)
        if self._capture.over or judged:
            self._frames.close()
        if self._capture.over and judged:
            self._verdicts.close()

    def _fail(self, error: BaseException) -> None:
        told = bool(self.name or self._errors)  # else the only one to tell it is who called `run`
        self._errors.append(error)
        self.stop()
        self._outputs.safe(str(error) or type(error).__name__)
        if told:
            self._log.error("%s: this line ends, its outputs are safe", error)

    def _replace(self, stage: Stage, doing: str) -> None:
        """The stage's thread is given up: others must not wait for it, and what it held must not be lost."""
        self._fail(StageStalled(f"{stage.name} has not moved for {self._stall_s:g} s ({doing}): {ADVICE[stage.name]}"))
        if stage in [worker.stage for worker in self._inspect]:
            self._judging.give_up(stage)
        if stage is self._deliver.stage:
            self._deliver = self._go_on(self._deliver, self._delivery)
        if stage is self._record.stage:
            self._record = self._go_on(self._record, self._recording)
        self._close_channels()

    def _go_on(self, left: Worker, work: Delivery | Recording) -> Worker:
        """Another thread for the same work, without what the one that is left behind hangs in."""
        work.skip()
        self._left.append(left)
        worker = self._worker(left.stage.name, work.run)
        worker.start()
        return worker

    def _call_tick(self) -> None:
        try:
            self._tick()
        except BaseException as error:  # as from a sink: what was captured is still delivered
            self._tick = lambda: None
            self._fail(error)

    def _note_late(self, inspection: Inspection) -> None:
        self._stats.late()
        judged = f"judged {inspection.verdict.name} after {inspection.latency_ms:.1f} ms"
        self._log.warning("frame %d: %s, not told before its deadline: it is MISSED", inspection.index, judged)

    # ---- changeover

    def _make_changeover(self, load: LoadInspector) -> Changeover:
        thread_name = f"line-{self.name}-changeover" if self.name else "line-changeover"
        return Changeover(load, self._swap, refuse=self._refuse, fail=self._fail, thread_name=thread_name)

    def _swap(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._log.info("changeover: now inspecting %s, recipe %s", inspector.recipe.product, inspector.recipe.hash)

    def _refuse(self, error: InspectorError) -> None:
        self._log.error("changeover refused, %s goes on: %s", self._inspector.recipe.product, error)
