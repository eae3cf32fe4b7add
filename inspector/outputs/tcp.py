"""One line of JSON per verdict over a TCP connection, for a controller that listens."""

from __future__ import annotations

import contextlib
import socket

from inspector.errors import OutputError
from inspector.outputs.base import safe_message, verdict_message
from inspector.records import Inspection

TIMEOUT_S = 1.0


class TcpOutput:
    """Connects to HOST:PORT and sends a line for each verdict. The end of the connection means SAFE, too: it comes
    with the end of this program, however that ends.

    Raises OutputError when the controller is not there, is gone, or takes nothing for a second.
    """

    def __init__(self, host: str, port: int) -> None:
        self._name = f"tcp {host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a verdict waits for no second one
        except OSError as error:
            raise OutputError(
                f"{self._name}: no controller there ({_reason(error)}): check address and cable"
            ) from error
        self.safe("starting")

    def apply(self, inspection: Inspection) -> None:
        self._send(verdict_message(inspection))

    def safe(self, why: str) -> None:
        self._send(safe_message(why))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def _send(self, line: str) -> None:
        try:
            self._socket.sendall(f"{line}\n".encode("ascii"))
        except OSError as error:
            self.close()  # half a line may be out: nothing that is sent after it could be trusted
            raise OutputError(
                f"{self._name}: the controller is gone ({_reason(error)}): check it and its cable"
            ) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
