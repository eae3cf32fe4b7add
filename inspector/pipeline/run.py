"""What the threads of one line share, and which of them may change it.

    identity            nobody
    inspector           the changeover's thread, by `swap`; capture and inspect read it
    loading, refusal    who asks for a changeover, by `ask`; the changeover's thread, by `swap` and `refuse`
    stopping, errors    any thread, by `stop` and `fail`; every stage reads them
    stats               captured: capture; counts and latencies: deliver; the caller reads them
    outputs             verdicts: deliver; the safe state: any thread, once and for good

Threads: "line-heartbeat", one for each output, which shows that somebody is there; "line-safe", one for each output on
its way to the safe state.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from inspector.errors import InspectorError
from inspector.identity import RunIdentity
from inspector.inspection import Inspector
from inspector.outputs.base import Output
from inspector.records import Inspection
from inspector.stats import Stats


class RunState:
    """One run of a line: its inspector, whether it ends and why, its account, its log and its outputs."""

    def __init__(
        self, inspector: Inspector, outputs: Sequence[Output], *, identity: RunIdentity, now_ns: Callable[[], int]
    ) -> None:
        self._inspector = inspector
        self.identity = identity
        self.name = name = identity.camera
        self.now_ns = now_ns
        self.log = _NamedLog(logging.getLogger(__name__), {"name": name})
        self.stats = Stats(now_ns)
        self.outputs = Outputs(outputs, self.log)
        self._stopping = False  # no Event: its lock would be taken twice where a signal interrupts `stop`
        self._errors: list[BaseException] = []
        self.loading = ""  # the product of a changeover that is under way
        self.refusal = ""  # why the last changeover was refused; empty where it was not

    @property
    def inspector(self) -> Inspector:
        """The one that judges at present."""
        return self._inspector

    @property
    def stopping(self) -> bool:
        """Return whether the run is to end."""
        return self._stopping

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """What went wrong so far, in the order in which it was noticed."""
        return tuple(self._errors)

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self._stopping = True

    def fail(self, error: BaseException) -> None:
        """End the run because of `error`, and drive the outputs to their safe state. Safe from any thread."""
        told = bool(self.name or self._errors)  # else the caller of `run` is the only one to tell it
        self._errors.append(error)
        self.stop()
        self.outputs.safe(str(error) or type(error).__name__)
        if told:
            self.log.error("%s: this line ends, its outputs are safe", error)

    def ask(self, product: str) -> None:
        """Note that a changeover begins."""
        self.loading, self.refusal = product, ""

    def swap(self, inspector: Inspector) -> None:
        """Let `inspector` judge from now on. Called on the changeover's thread only."""
        self._inspector = inspector
        self.loading = ""
        self.log.info("changeover: now inspecting %s, recipe %s", inspector.recipe.product, inspector.recipe.hash)

    def refuse(self, error: InspectorError) -> None:
        """Tell that the product asked for cannot be inspected."""
        self.refusal, self.loading = str(error), ""
        self.log.error("changeover refused, %s goes on: %s", self.inspector.recipe.product, error)

    def note_late(self, inspection: Inspection) -> None:
        """Count a judgement that came after its frame's deadline."""
        self.stats.late()
        judged = f"judged {inspection.verdict.name} after {inspection.latency_ms:.1f} ms"
        self.log.warning("frame %d: %s, not told before its deadline: it is MISSED", inspection.index, judged)


class _NamedLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the camera's name before each message, where there are several."""

    def process(self, msg: str, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        name = (self.extra or {}).get("name")
        return (f"{name}: {msg}" if name else msg), kwargs


PATIENCE_S = 1.0  # for outputs on their way to the safe state


class Outputs:
    """All outputs of one line: verdicts until the first `safe`, then nothing but the safe state."""

    def __init__(self, outputs: Sequence[Output], log: logging.LoggerAdapter[logging.Logger]) -> None:
        self._outputs = [(output, threading.Lock()) for output in outputs]  # the lock: one call at a time
        self._log = log
        self._why: str | None = None  # set: safe, for good
        self._done = threading.Event()
        self._over = threading.Event()  # no more heartbeats
        self._hearts: list[threading.Thread] = []

    def start(self, period_s: float, fail: Callable[[BaseException], None]) -> None:
        """Show each output within each `period_s` that somebody is there; pass what it raises to `fail`.

        Each has a thread of its own: one that hangs, or is away, must not silence the others.
        """
        self._hearts = [
            threading.Thread(target=self._beat, args=(output, period_s / 2, fail), name="line-heartbeat", daemon=True)
            for output, _ in self._outputs
        ]
        for heart in self._hearts:
            heart.start()

    def __len__(self) -> int:
        return len(self._outputs)

    @property
    def away(self) -> str:
        """Why an output cannot be told anything at present; empty where all can."""
        return next((output.away for output, _ in self._outputs if output.away), "")

    def apply(self, inspection: Inspection) -> None:
        """Tell every output about one part. Raises what an output raises."""
        for output, turn in self._outputs:
            if self._why is not None:  # asked before the turn, too: it may be held by one that hangs
                return
            with turn:
                if self._why is None:
                    output.apply(inspection)

    def safe(self, why: str) -> None:
        """Drive every output to its safe state, from any thread. The first reason is the one told.

        Each has a thread of its own: one that hangs must not keep the others from safety, nor the caller. A second
        caller waits until it is done, so that nobody releases an output on its way to safety.
        """
        if self._why is not None:
            self._done.wait(2 * PATIENCE_S)
            return
        self._why = why
        self._over.set()
        threads = [
            threading.Thread(target=self._drive, args=each, name="line-safe", daemon=True) for each in self._outputs
        ]
        for thread in threads:
            thread.start()
        end_s = time.monotonic() + PATIENCE_S
        for thread in threads:
            thread.join(max(0.0, end_s - time.monotonic()))
            if thread.is_alive():
                self._log.error("an output did not go to its safe state within %g s", PATIENCE_S)
        self._done.set()

    def close(self) -> None:
        """Drive every output to its safe state and release it."""
        self.safe("the run has ended")
        for heart in self._hearts:
            heart.join(PATIENCE_S)
        for output, _ in self._outputs:
            output.close()

    def _beat(self, output: Output, pause_s: float, fail: Callable[[BaseException], None]) -> None:
        while not self._over.wait(pause_s):
            try:
                output.beat()
            except Exception as error:
                fail(error)
                return

    def _drive(self, output: Output, turn: threading.Lock) -> None:
        try:
            with turn:  # a call in progress is finished first, so that it cannot come after
                output.safe(self._why or "")
        except Exception as error:
            self._log.error("an output cannot be driven to its safe state: %s", error)
