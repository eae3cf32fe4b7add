"""The pages of running lines, or of what was recorded."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inspector.errors import DependencyError
from inspector.page.control import PipelineControl
from inspector.page.live import Hub
from inspector.verbs.line import Line

if TYPE_CHECKING:
    import socket

ADDRESS = "127.0.0.1:8080"  # this machine only
PACKAGES = ("sqlalchemy", "alembic", "fastapi", "uvicorn", "jinja2", "multipart", "argon2", "prometheus_client")


class Pages:
    """The pages at an address (None: no pages). The port is taken at once, before any line starts.

    Raises DependencyError where a package is missing, InspectorError where the port is taken.
    """

    def __init__(self, address: str | None, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._socket: socket.socket | None = None
        if address is not None:
            check_packages()
            from inspector.page.server import listen  # noqa: PLC0415  (only who serves needs the packages)

            self._socket = listen(address)

    @contextmanager
    def over(self, lines: Sequence[Line]) -> Iterator[None]:
        """Serve, within."""
        if self._socket is None:
            yield
            return
        from inspector.page.app import create_app  # noqa: PLC0415
        from inspector.page.server import Server  # noqa: PLC0415

        hub = self._hub(lines)
        with Server(
            create_app(hub, self._arguments.config_dir, self._arguments.model_dir), hub, self._socket
        ) as server:
            print(f"pages: {server.address}", file=sys.stderr)
            yield

    def _hub(self, lines: Sequence[Line]) -> Hub:
        hub = Hub(watched=[self._arguments.log_dir])
        for line in lines:
            if line.feed is not None:
                hub.add(
                    line.feed, PipelineControl(line.pipeline, self._arguments.config_dir, self._arguments.model_dir)
                )
        return hub


def check_packages() -> None:
    """Raise DependencyError in one line that says what to install."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"the pages need packages that are not installed ({', '.join(missing)}): "
            "pip install '.[station]' in the project's folder"
        )
