"""The app on a port, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from inspector.errors import InspectorError
from inspector.page.line_process import HANDED_OVER
from inspector.page.live import Hub
from inspector.page.video import give_way

DEFAULT = "127.0.0.1:8080"
PARTING_S = 2.0
RETRY_S = 2.0  # between two tries to take a port


class Server:
    """Serves on what `listen` gave, within `with`."""

    def __init__(self, app: FastAPI, hub: Hub, listener: socket.socket) -> None:
        self._hub = hub
        self._socket = listener
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            server_header=False,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="page-server", daemon=True)

    @property
    def address(self) -> str:
        """Where it is found."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.close()
        self._server.should_exit = True
        self._thread.join(PARTING_S + 1)
        self._socket.close()

    def _run(self) -> None:
        give_way()
        self._server.run(sockets=[self._socket])


class PatientServer:
    """Serves at an address, within `with`; where its port is taken, as soon as that is free.

    `tell` gets one line when pages are served, `complain` one where they cannot be yet.
    """

    def __init__(
        self,
        app: FastAPI,
        hub: Hub,
        address: str,
        *,
        tell: Callable[[str], None],
        complain: Callable[[str], None],
        retry_s: float = RETRY_S,
    ) -> None:
        self._app = app
        self._hub = hub
        self._address = address
        self._tell = tell
        self._complain = complain
        self._retry_s = retry_s
        self._server: Server | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_trying, name="page-port", daemon=True)

    def __enter__(self) -> PatientServer:
        try:
            self._serve()
        except InspectorError as error:
            self._complain(f"{error}; the line runs, its pages come when the port is free")
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._server is not None:
            self._server.__exit__(kind, error, trace)

    def _serve(self) -> None:
        server = Server(self._app, self._hub, listen(self._address))
        self._server = server.__enter__()
        self._tell(f"pages: {server.address}")

    def _keep_trying(self) -> None:
        while self._server is None and not self._ended.wait(self._retry_s):
            with contextlib.suppress(InspectorError):
                self._serve()


def parse_address(text: str) -> tuple[str, int]:
    """HOST:PORT, :PORT or PORT; the host may be in brackets. Raises InspectorError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise InspectorError(f"--serve {text}: wants HOST:PORT, for example {DEFAULT}")
    return host.strip("[]") or "127.0.0.1", int(port)


def listen(address: str) -> socket.socket:
    """Take the port, or fd:N, a socket that listens already and that whoever started this program has handed over.

    Raises InspectorError where that cannot be done.
    """
    if address.startswith(HANDED_OVER):
        return _handed_over(address)
    host, port = parse_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise InspectorError(
            f"--serve {host}:{port}: cannot listen there ({error.strerror}): give another address or port"
        ) from None
    return listener


def _handed_over(address: str) -> socket.socket:
    number = address.removeprefix(HANDED_OVER)
    try:
        listener = socket.socket(fileno=int(number))
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ValueError
    except (OSError, ValueError):
        raise InspectorError(f"--serve {address}: is no socket that listens: give HOST:PORT") from None
    return listener
