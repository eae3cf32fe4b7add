"""One line as its caller sees it, and several of them in one process.

Threads: the caller's runs `run_together`, which starts, ticks and winds up the lines. "line-watchdog", started here for
all of them, looks for stages that hang; it shares nothing with what can hang: no camera, no display, no disk, and no
output, each of which is driven to its safe state on yet another thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from inspector.cameras.base import Camera
from inspector.channel import Overflow
from inspector.identity import RunIdentity
from inspector.inspection import Inspector
from inspector.outputs.base import Output
from inspector.pipeline.changeover import LOAD_S, Changeover, LoadInspector
from inspector.pipeline.run import RunState
from inspector.pipeline.stages import Stages
from inspector.pipeline.watchdog import Abandoned
from inspector.sinks.base import Sink
from inspector.stats import Summary

HEARTBEAT_S = 1.0  # an output is told something at least so often
STALL_S = 20.0  # longer than any camera blocks: opening gives up after 10 s, reading after 5, and a read may do both
NEWS_PERIOD_NS = 10_000_000_000  # of the live account in the program's own log
LOOK_S = 0.05  # between two looks at the lines
PARTING_S = 1.0  # for the threads, where the user would not wait for the run's own end


class Pipeline:
    """One line: a camera, one inspector at a time, any number of outputs and sinks.

    Every frame captured gets exactly one verdict, and verdicts are delivered in frame order. Whatever goes wrong, the
    run winds up the same way: the outputs go to their safe state, what was captured and not judged is delivered as
    MISSED, then the error is raised.

    `identity` names run and camera (None: a run of its own, of a camera without a name). `journal` has each verdict
    before any output, and `sinks` have it after that, in their own time: they may be slow. `load` makes the inspector
    of another product, warmed up, for a changeover, within `load_s`. `tick` is called with this line on the caller's
    thread, every 0.05 s and once more at the end: for whatever has to be looked at now and then. A stage, or a `tick`,
    that does the same thing for `stall_s` ends the run with StageStalled. `overflow` None: a replay waits, a live
    camera does not.
    """

    def __init__(
        self,
        camera: Camera,
        inspector: Inspector,
        sinks: Sequence[Sink],
        outputs: Sequence[Output] = (),
        *,
        identity: RunIdentity | None = None,
        journal: Sink | None = None,
        load: LoadInspector | None = None,
        tick: Callable[[Pipeline], None] = lambda line: None,
        overflow: Overflow | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        stall_s: float = STALL_S,
        heartbeat_s: float = HEARTBEAT_S,
        load_s: float = LOAD_S,
    ) -> None:
        self._run = RunState(inspector, outputs, identity=identity or RunIdentity.begin(now_ns=now_ns), now_ns=now_ns)
        self._tick = tick
        self._stall_s = stall_s
        self._heartbeat_s = heartbeat_s
        self._news_ns = now_ns() + NEWS_PERIOD_NS
        self._changeover = self._make_changeover(load, load_s) if load else None
        overflow = overflow or (Overflow.NEWEST if camera.live else Overflow.WAIT)
        self.live = camera.live  # whether parts come by themselves
        self._stages = Stages(self._run, camera, journal, sinks, overflow, stall_s)

    def run(self) -> Summary:
        """Inspect until the source ends or `stop` is called; returns what was done.

        Raises the first error of any stage, after every captured frame has its verdict and the sinks are closed.
        """
        run_together([self])
        return self.result()

    @property
    def identity(self) -> RunIdentity:
        """The run's id, its camera and its clocks: every part carries it."""
        return self._run.identity

    @property
    def name(self) -> str:
        """The camera's; empty where it is the only one."""
        return self._run.name

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self._run.stop()

    @property
    def summary(self) -> Summary:
        """The run so far."""
        return self._run.stats.summary()

    @property
    def inspector(self) -> Inspector:
        """The one that judges at present."""
        return self._run.inspector

    @property
    def failed(self) -> bool:
        """Return whether any stage has raised an error."""
        return bool(self._run.errors)

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """What went wrong so far."""
        return self._run.errors

    @property
    def outputs(self) -> int:
        """How many outputs are told its verdicts."""
        return len(self._run.outputs)

    @property
    def away(self) -> str:
        """Why an output cannot be told anything at present; empty where all can."""
        return self._run.outputs.away

    @property
    def loading(self) -> str:
        """The product of a changeover that is under way; empty where there is none."""
        return self._run.loading

    @property
    def refusal(self) -> str:
        """Why the last changeover was refused; empty where it was not."""
        return self._run.refusal

    def change_product(
        self, product: str, load: LoadInspector | None = None, settle: Callable[[], None] = lambda: None
    ) -> None:
        """Load and warm the recipe of `product` beside the running one, then swap between two frames.

        Returns at once. A recipe that cannot be used is refused in the log and the old one goes on. Asking again
        while one is loading replaces what comes after it. `load` makes the inspector in place of the line's own way;
        `settle` is called before the swap, and may still refuse it by an InspectorError.
        """
        if self._changeover and not self._run.stopping:
            self._run.ask(product)
            self._changeover.ask(product, load, settle)

    # ---- the life of a run, on the caller's thread

    def start(self) -> None:
        """Start the threads."""
        self._run.outputs.start(self._heartbeat_s, self._run.fail)
        self._stages.start()

    @property
    def running(self) -> bool:
        """Return whether there is still something to deliver."""
        return not self._stages.over

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the run."""
        self._stages.wait(seconds)

    def tick(self) -> None:
        """Do what is due now and then: log the account, call `tick`."""
        if self._run.now_ns() >= self._news_ns:
            self._news_ns = self._run.now_ns() + NEWS_PERIOD_NS
            self._run.log.info("%s", self.summary.account)
        self._call_tick()

    def look(self) -> None:
        """Replace every stage that hangs. Called on the watchdog's thread."""
        self._stages.look()

    @property
    def deserted(self) -> bool:
        """Return whether the caller's thread hangs."""
        return self._stages.caller.given_up

    def fail(self, error: BaseException) -> None:
        """End the run because of `error`; safe from any thread."""
        self._run.fail(error)

    def wind_up(self) -> None:
        """Leave no thread behind, unless it hangs or the user would not wait, and no output unsafe."""
        self.stop()
        self._stages.wait(PARTING_S)
        self._run.outputs.safe("the run has ended")
        if self._changeover and not self._changeover.end(PARTING_S if self.running else self._stall_s):
            self._run.log.error("a product is still loading: its thread is left behind")
        self._stages.leave(PARTING_S)
        self._call_tick()

    def result(self) -> Summary:
        """Return what was done. Raises the first error of any stage; the others were logged."""
        if self._run.errors:
            raise self._run.errors[0]
        return self.summary

    def _call_tick(self) -> None:
        try:
            with self._stages.caller.doing("its window, or looking at the recipe"):
                self._tick(self)
        except Abandoned:
            self._tick = lambda line: None
        except BaseException as error:  # as from a sink: what was captured is still delivered
            self._tick = lambda line: None
            self._run.fail(error)

    def _make_changeover(self, load: LoadInspector, load_s: float) -> Changeover:
        run = self._run
        thread_name = f"line-{run.name}-changeover" if run.name else "line-changeover"
        return Changeover(load, run.swap, refuse=run.refuse, fail=run.fail, thread_name=thread_name, limit_s=load_s)


def run_together(lines: Sequence[Pipeline], last_resort: Callable[[], None] = lambda: None) -> None:
    """Run lines side by side until the last one has ended. One that fails goes to its safe state; the others go on.

    Where the caller's own thread hangs, all lines wind up, and `last_resort` is called: it should end the process.
    """
    with _watched(lines, last_resort):
        try:
            for line in lines:
                line.start()
            while running := [line for line in lines if line.running]:
                running[0].wait(LOOK_S)
                for line in running:
                    line.tick()
        finally:
            for line in lines:
                line.wind_up()


@contextmanager
def _watched(lines: Sequence[Pipeline], last_resort: Callable[[], None]) -> Iterator[None]:
    """Have the watchdog look after the lines within."""
    ended = threading.Event()
    watchdog = threading.Thread(target=_watch, args=(lines, ended, last_resort), name="line-watchdog", daemon=True)
    watchdog.start()
    try:
        yield
    finally:
        ended.set()
        watchdog.join()


def _watch(lines: Sequence[Pipeline], ended: threading.Event, last_resort: Callable[[], None]) -> None:
    try:
        while not ended.wait(LOOK_S):
            for line in lines:
                line.look()
            if any(line.deserted for line in lines) and not any(line.running for line in lines):
                last_resort()
                return
    except BaseException as error:  # from here on nothing would be noticed
        for line in lines:
            line.fail(error)
