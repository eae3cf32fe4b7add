"""The program as a process of its own."""

import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATIENCE_S = 120  # only a test that fails waits so long


class Process:
    """The program as a process, its lines as they come."""

    def __init__(self, *arguments):
        command = [sys.executable, str(ROOT / "run_inspector.py"), *map(str, arguments)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8")
        self.out, self.err = Lines(self._process.stdout), Lines(self._process.stderr)

    def end(self, number):
        """Send a signal and wait; returns the exit code."""
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Wait for the end; returns the exit code."""
        return self._process.wait(PATIENCE_S)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self.out.close()
        self.err.close()


class Lines:
    """What a process writes, line by line and without blocking the process."""

    def __init__(self, stream):
        self._stream = stream
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def next(self):
        """The next line."""
        return self._lines.get(timeout=PATIENCE_S)

    def until(self, *words):
        """The lines up to the first that holds all of the words."""
        lines, end_s = [self.next()], time.monotonic() + PATIENCE_S
        while not all(word in lines[-1] for word in words):
            assert time.monotonic() < end_s, f"no line with {words}"
            lines.append(self.next())
        return lines

    def rest(self):
        """All lines not yet taken, once the process has ended."""
        self._reader.join(PATIENCE_S)
        return [self._lines.get() for _ in range(self._lines.qsize())]

    def close(self):
        self._reader.join()
        self._stream.close()

    def _read(self):
        for line in self._stream:
            self._lines.put(line.rstrip("\n"))


@pytest.fixture
def start():
    """Start the program as a process."""
    started = []

    def begin(*arguments):
        started.append(Process(*arguments))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
