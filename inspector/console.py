"""Write standard output and errors through a queue: a reader that stops reading must not stop the line."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import TextIO

LINES = 1000  # that wait to be read
PIECE = 4096  # bytes written at once: a pipe takes so many whole, and each one tells that somebody still reads
PATIENCE_S = 1.0  # for a reader that takes nothing: then lines are dropped, and the end of the program waits no longer


class UnblockedStream(io.TextIOBase):
    """Passes text on to a file descriptor on a thread of its own, through a bounded queue.

    Who writes waits for a reader that is merely slow, for `patience_s` at most. While the reader takes nothing, text
    is dropped and counted at once; when it reads again it is told how much. A reader that has gone is ignored.
    The descriptor is written past Python's own buffers, whose locks a writer that hangs would hold at the end.
    """

    def __init__(self, stream: TextIO, patience_s: float) -> None:
        self._stream = stream
        self._descriptor = stream.fileno()
        self._patience_s = patience_s
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._taken_s = time.monotonic()  # when the reader last took something, or there was nothing to take
        self._dropped = 0
        self._busy = False
        self._gone = False
        self._ended = False
        threading.Thread(target=self._pass_on, name="console", daemon=True).start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding or "utf-8"

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Queue it, or drop it. Never raises, and never waits longer than `patience_s`."""
        with self._changed:
            if not (self._busy or self._waiting):
                self._taken_s = time.monotonic()
            self._changed.wait_for(self._has_room, max(0.0, self._taken_s + self._patience_s - time.monotonic()))
            if self._gone or len(self._waiting) >= LINES:
                self._dropped += not self._gone
            else:
                self._waiting.append(text)
                self._changed.notify_all()
        return len(text)

    def drain(self) -> None:
        """Wait until everything was read, or the reader takes nothing more."""
        with self._changed:
            while self._busy or self._waiting:
                left_s = self._taken_s + PATIENCE_S - time.monotonic()
                if self._gone or left_s <= 0:
                    return
                self._changed.wait(left_s)

    def end(self) -> None:
        """Drain, then let go of the thread."""
        self.drain()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return self._gone or len(self._waiting) < LINES

    def _pass_on(self) -> None:
        while text := self._next():
            data = text.encode(self.encoding, "backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data[:PIECE]) :]
                    self._taken_s = time.monotonic()
            except OSError:  # closed, or its disk is full: not worth a line that stands still
                self._lose()
                return

    def _next(self) -> str:
        """Return some lines; empty at the end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting:
                return ""
            self._busy = True
            dropped, self._dropped = self._dropped, 0
            told = f"({dropped} texts were not shown: nobody read them)\n" if dropped else ""
            text = told + self._waiting.popleft()
            while self._waiting and len(text) + len(self._waiting[0]) < PIECE:
                text += self._waiting.popleft()
            self._changed.notify_all()
            return text

    def _lose(self) -> None:
        with self._changed:
            self._gone, self._busy = True, False
            self._waiting.clear()
            self._changed.notify_all()


@contextlib.contextmanager
def unblocked() -> Iterator[None]:
    """Let neither standard output nor errors, nor the program's log on them, wait for their reader within."""
    before = sys.stdout, sys.stderr
    # News come from threads that must not wait at all.
    streams = _unblocked(sys.stdout, PATIENCE_S), _unblocked(sys.stderr, 0.0)
    _swap(before, streams)
    try:
        yield
    finally:
        for stream in streams:
            if isinstance(stream, UnblockedStream):
                stream.end()
        _swap(streams, before)


def _unblocked(stream: TextIO, patience_s: float) -> TextIO:
    """Queue what is written to a stream of the system's; return any other stream as it is."""
    try:
        stream.flush()
        stream.fileno()
    except (OSError, ValueError):
        return stream
    return UnblockedStream(stream, patience_s)  # type: ignore[return-value]


def _swap(old: tuple[TextIO, TextIO], new: tuple[TextIO, TextIO]) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is old[1]:
            handler.setStream(new[1])
    sys.stdout, sys.stderr = new
