"""Where the processor time of a run goes."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

UNNAMED = "unnamed"


class Meter:
    """Charges the processor time of each thread to the stage it is in, between stages to the thread itself.

    A stage within another one is charged apart. Measured by the system for each thread, so that time in which other
    programs have the core is nobody's. Counts from when it is made, on the thread that makes it.
    """

    def __init__(self) -> None:
        self._taken_s: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._here = threading.local()
        self._older = {thread.ident for thread in threading.enumerate()}
        self._started_s = time.process_time()
        self._charge()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge what is done within to `name`, on this thread."""
        self._charge()
        self._here.stages.append(name)
        try:
            yield
        finally:
            self._charge()
            self._here.stages.pop()

    def ms_per_part(self, parts: int) -> dict[str, float]:
        """Milliseconds by stage and thread; `unnamed` is what the process took besides. Asked once, at the end."""
        self._charge()
        whole_s = time.process_time() - self._started_s
        with self._lock:
            taken_s = dict(self._taken_s)
        taken_s[UNNAMED] = whole_s - sum(taken_s.values())
        return {name: 1e3 * seconds / parts for name, seconds in taken_s.items()}

    def _charge(self) -> None:
        now_s = time.thread_time()
        if not hasattr(self._here, "stages"):
            thread = threading.current_thread()
            self._here.stages = [f"thread {re.sub('-[0-9]+$', '', thread.name)}"]
            self._here.since_s = now_s if thread.ident in self._older else 0.0
        with self._lock:
            self._taken_s[self._here.stages[-1]] += now_s - self._here.since_s
        self._here.since_s = now_s
