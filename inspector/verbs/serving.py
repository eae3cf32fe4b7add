"""The pages of running lines, or of what was recorded."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inspector.errors import DependencyError
from inspector.page.control import PipelineControl
from inspector.page.live import Hub
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.line import Line
from inspector.verbs.options import RunOptions

if TYPE_CHECKING:
    import socket

    from inspector.record.store import Store

ADDRESS = "127.0.0.1:8080"  # this machine only
PACKAGES = ("sqlalchemy", "alembic", "fastapi", "uvicorn", "jinja2", "multipart", "argon2", "prometheus_client")


class Pages:
    """The pages of a run, where it is asked for some. The port is taken at once, before any line starts.

    Raises DependencyError where a package is missing, InspectorError where the port is taken
    or the record cannot be opened: accounts and the trail of changes lie there.
    """

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._socket: socket.socket | None = None
        self._store: Store | None = None
        if options.serve is not None:
            check_packages()
            from inspector.page.server import listen  # noqa: PLC0415  (only who serves needs the packages)

            self._socket = listen(options.serve)
            try:
                self._store = open_store(options.record_url or DEFAULT)
            except BaseException:
                self._socket.close()
                raise

    @contextmanager
    def over(self, lines: Sequence[Line]) -> Iterator[None]:
        """Serve, within."""
        if self._socket is None or self._store is None:
            yield
            return
        from inspector.page.app import create_app  # noqa: PLC0415
        from inspector.page.server import Server  # noqa: PLC0415

        hub = self._hub(lines)
        with (
            self._store,
            Server(
                create_app(
                    hub, self._options.config_dir, self._options.model_dir, self._store, self._options.archive_dir
                ),
                hub,
                self._socket,
            ) as server,
        ):
            print(f"pages: {server.address}", file=sys.stderr)
            yield

    def _hub(self, lines: Sequence[Line]) -> Hub:
        hub = Hub(watched=[self._options.log_dir, self._options.archive_dir or self._options.log_dir])
        for line in lines:
            if line.feed is not None:
                hub.add(line.feed, PipelineControl(line.pipeline, self._options.config_dir, self._options.model_dir))
        return hub


def check_packages() -> None:
    """Raise DependencyError in one line that says what to install."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"the pages need packages that are not installed ({', '.join(missing)}): "
            "pip install '.[station]' in the project's folder"
        )
