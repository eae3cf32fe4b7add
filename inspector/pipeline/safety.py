"""All outputs of one line: they show that somebody is there, and once safe, they stay safe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from inspector.outputs.base import Output
from inspector.records import Inspection

PATIENCE_S = 1.0  # for outputs on their way to the safe state


class Outputs:
    """Passes verdicts on until the first `safe`, after which nothing but the safe state reaches any output."""

    def __init__(self, outputs: Sequence[Output], log: logging.LoggerAdapter[logging.Logger]) -> None:
        self._outputs = [(output, threading.Lock()) for output in outputs]  # the lock: one call at a time
        self._log = log
        self._why: str | None = None  # set: safe, for good
        self._done = threading.Event()
        self._over = threading.Event()  # no more heartbeats
        self._hearts: list[threading.Thread] = []

    def start(self, period_s: float, fail: Callable[[BaseException], None]) -> None:
        """From now on show each output, within each `period_s`, that somebody is there. What it raises goes to `fail`.

        Each on a thread of its own: one that hangs, or is away, must not silence the others.
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

        Each on a thread of its own: one that hangs must not keep the others from safety, nor the caller. Who asks
        meanwhile waits for it as well, so that nobody releases an output on its way to safety.
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
        """Safe, and released."""
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
