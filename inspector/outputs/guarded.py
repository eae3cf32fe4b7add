"""An output that one run alone drives, and that comes back when it was lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from inspector.errors import OutputError
from inspector.outputs.base import Output
from inspector.records import Inspection

_logger = logging.getLogger(__name__)
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 8.0


class GuardedOutput:
    """What `reopen` opens, while this process holds `lock`: a file, whose lock ends with the process at the latest.

    Where it `retries`, an output that fails is closed, which is its safe state, and `away` until it can be opened
    again: tried at each beat, at most every 0.5 s, then every 1, 2, 4 and 8 s. Raises OutputError where another
    process holds the lock.
    """

    def __init__(self, name: str, reopen: Callable[[], Output], lock: Path, *, retries: bool) -> None:
        self._name = name
        self._reopen = reopen
        self._retries = retries
        self._turn = threading.Lock()
        self._closed = False
        self._retry_s = 0.0  # when
        self._pause_s = FIRST_RETRY_S
        self.away = ""
        self._lock = _locked(lock, name)
        try:
            self._output: Output | None = reopen()
        except BaseException:
            self._lock.release()
            raise

    def apply(self, inspection: Inspection) -> None:
        self._do(lambda output: output.apply(inspection))

    def beat(self) -> None:
        if self._output is not None:
            self._do(lambda output: output.beat())
        elif time.monotonic() >= self._retry_s:
            self._try_again()

    def safe(self, why: str) -> None:
        if (output := self._output) is not None:
            output.safe(why)

    def close(self) -> None:
        with self._turn:
            self._closed = True
            if self._output is not None:
                self._output.close()
        self._lock.release()

    def _do(self, what: Callable[[Output], None]) -> None:
        output = self._output
        if output is None:
            return
        try:
            what(output)
        except OutputError as error:
            if not self._retries:
                raise
            self._lose(output, error)

    def _lose(self, output: Output, error: OutputError) -> None:
        with self._turn:
            if self._output is not output or self._closed:  # two threads may notice
                return
            self.away, self._output = str(error), None
            output.close()
        _logger.error("%s; every part is rejected until it is back", error)

    def _try_again(self) -> None:
        try:
            output = self._reopen()
        except OutputError:
            self._retry_s = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LAST_RETRY_S)
            return
        with self._turn:
            if self._closed:
                output.close()
                return
            self._output, self.away, self._pause_s = output, "", FIRST_RETRY_S
        _logger.warning("%s: is back", self._name)


def _locked(path: Path, name: str) -> FileLock:
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(f"{name}: another run drives this output: end it, or give this one its own") from None
    except OSError as error:
        raise OutputError(f"{name}: cannot write {path} ({error.strerror or error}): check folder and rights") from None
    return lock
