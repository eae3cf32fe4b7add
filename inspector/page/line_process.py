"""A line in a process of its own, started from the pages: it goes on whatever becomes of them.

The pages hand their listening socket to the line's process. As soon as that serves, it answers at their address; when
it ends, however that happens, they answer again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from inspector.errors import InspectorError

Phase = Literal["none", "starting", "running", "ended"]
HANDED_OVER = "fd:"  # how the address of a socket that listens already begins; its number follows
SERVES = "pages: "  # how the line of its errors begins that says so
LOOK_S = 0.1
CONSOLE = "console.txt"  # in the log folder: what it says on the terminal, were there one
TAIL = 4096  # bytes of that in which its error is looked for


class LineProcess:
    """One `line-inspector run` at a time. All of it may be called from any thread."""

    def __init__(
        self, options: Sequence[str], listener: socket.socket, log_dir: Path, changed: Callable[[], None]
    ) -> None:
        """`options` are given to `run` as well; `changed` is called when the line serves, and when it has ended."""
        self._options = (*options, "--log-dir", str(log_dir))
        self._listener = listener
        self.console = log_dir / CONSOLE
        self._changed = changed
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._serves = False
        self._stopped = False

    @property
    def phase(self) -> Phase:
        """How far it is. Running: it serves, and whoever serves beside it should leave the socket to it."""
        if self._process is None:
            return "none"
        if self._process.poll() is not None:
            return "ended"
        return "running" if self._serves else "starting"

    @property
    def why(self) -> str:
        """Why it has ended, in a line; empty before."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return ""
        if self._stopped:
            return "it was stopped"
        if code == 0:
            return "it was stopped, or its source came to its end"
        if code < 0:
            return f"it was ended from outside ({signal.Signals(-code).name})"
        said = [line for line in self._said(last=TAIL) if line.startswith("error: ")]
        return said[-1].removeprefix("error: ") if said else f"it ended with code {code}: see {self.console}"

    def start(self, what: Sequence[str]) -> None:
        """Start it; `what` says what to inspect, as options of `run`. Raises InspectorError."""
        if os.name != "posix":
            raise InspectorError("on this system a line is started in a terminal: line-inspector run --serve")
        with self._lock:
            if self.phase in ("starting", "running"):
                raise InspectorError("a line runs already: stop it first")
            self._serves = self._stopped = False
            self._process = self._begin(what)
            self._thread = threading.Thread(target=self._watch, args=(self._process,), name="page-line", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask it to end: it judges what it has, and its outputs go to their safe state."""
        if self._process is not None and self._process.poll() is None:
            self._stopped = True
            self._process.terminate()

    def wait(self, timeout_s: float) -> bool:
        """Return whether it has ended within that time."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self.phase in ("none", "ended")

    def _begin(self, what: Sequence[str]) -> subprocess.Popen[bytes]:
        """Its session is its own: Ctrl-C in the terminal of the pages is not meant for it."""
        number = self._listener.fileno()
        command = [sys.executable, "-m", "run_inspector", "run", *what, *self._options]
        try:
            self.console.parent.mkdir(parents=True, exist_ok=True)
            with self.console.open("wb") as console:
                return subprocess.Popen(
                    [*command, "--serve", f"{HANDED_OVER}{number}"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=console,
                    pass_fds=(number,),
                    start_new_session=True,
                )
        except OSError as error:
            raise InspectorError(f"{self.console.parent}: cannot write there ({error.strerror})") from None

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None and not self._serves:
            if any(line.startswith(SERVES) for line in self._said()):
                self._serves = True
                self._changed()
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_S)
        process.wait()
        self._changed()

    def _said(self, last: int | None = None) -> list[str]:
        """The lines of its errors, of all of it or of the last bytes."""
        try:
            with self.console.open("rb") as console:
                if last is not None:
                    console.seek(max(0, self.console.stat().st_size - last))
                return console.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
