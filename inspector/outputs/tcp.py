"""One line of JSON per verdict over a TCP connection, for a controller that listens."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque

from inspector.errors import OutputError
from inspector.outputs.base import OutputLines
from inspector.records import Inspection

TIMEOUT_S = 1.0
SEND_BUFFER = 16384  # bytes: verdicts that nobody takes must not pile up unseen
# As far as the system knows them: what was sent and is not confirmed by the other machine ends the connection.
OPTIONS = {"TCP_USER_TIMEOUT": 1500, "TCP_KEEPIDLE": 1, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 2, "TCP_NODELAY": 1}
ACKNOWLEDGED_S = 1.5  # after this long a line must have been answered, where answers were agreed upon


class TcpOutput:
    """Connects to HOST:PORT and sends a line for each verdict. The end of the connection means SAFE, too: it comes
    with the end of this program, however that ends.

    Where it is `acknowledged`, the controller answers each line with its number, or some with the number of the last.
    Raises OutputError when the controller is not there, is gone, takes nothing for a second, or does not answer.
    """

    away = ""

    def __init__(self, host: str, port: int, lines: OutputLines | None = None, *, acknowledged: bool = False) -> None:
        self._name = f"tcp {host}:{port}"
        self._lines = lines or OutputLines()
        self._turn = threading.Lock()
        self._acknowledged = acknowledged
        self._unanswered: deque[tuple[int, float]] = deque()  # number and time of each line
        self._heard = b""  # of an answer, so far
        try:
            self._socket = socket.create_connection((host, port), TIMEOUT_S)
            _configure(self._socket)
        except OSError as error:
            raise OutputError(
                f"{self._name}: no controller there ({_reason(error)}): check address and cable"
            ) from error
        self.safe("starting")

    def apply(self, inspection: Inspection) -> None:
        with self._turn:
            self._send(self._lines.verdict(inspection))

    def beat(self) -> None:
        """Send a line that is about no part."""
        with self._turn:
            self._send(self._lines.beat())

    def safe(self, why: str) -> None:
        with self._turn:
            self._send(self._lines.safe(why))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def _send(self, line: str) -> None:
        try:
            self._listen()
            self._socket.sendall(f"{line}\n".encode("ascii"))
        except OSError as error:
            self.close()  # half a line may be out: nothing that is sent after it could be trusted
            raise OutputError(
                f"{self._name}: the controller is gone ({_reason(error)}): check it and its cable"
            ) from error
        if self._acknowledged:
            self._unanswered.append((self._lines.number, time.monotonic()))

    def _listen(self) -> None:
        """Take what the controller has said, without waiting. Raises OSError where it has left, or says nothing."""
        self._socket.setblocking(False)
        try:
            while True:
                heard = self._socket.recv(4096)
                if not heard:
                    raise ConnectionResetError("it closed the connection")
                self._answered(heard)
        except BlockingIOError:
            pass
        finally:
            self._socket.settimeout(TIMEOUT_S)
        if self._unanswered and time.monotonic() - self._unanswered[0][1] > ACKNOWLEDGED_S:
            raise TimeoutError(f"it has not answered line {self._unanswered[0][0]}")

    def _answered(self, heard: bytes) -> None:
        *answers, rest = (self._heard + heard).split(b"\n")
        self._heard = rest[-64:]
        for answer in answers:
            number = int(answer) if answer.strip().isdigit() and len(answer) < 64 else 0
            while self._unanswered and self._unanswered[0][0] <= number:
                self._unanswered.popleft()


def _configure(connection: socket.socket) -> None:
    """Send each verdict at once, and notice a controller that is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
