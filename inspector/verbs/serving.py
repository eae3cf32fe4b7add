"""The pages of running lines, or of what was recorded."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from inspector.errors import DependencyError
from inspector.page.control import PipelineControl
from inspector.page.live import Hub
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.line import Line
from inspector.verbs.options import RunOptions

_logger = logging.getLogger(__name__)
ADDRESS = "127.0.0.1:8080"  # this machine only
LOCK_S = 2.0  # pages wait for a lock on the record: not long, for the line starts after the first try
PACKAGES = ("sqlalchemy", "alembic", "fastapi", "uvicorn", "jinja2", "multipart", "argon2", "prometheus_client")


class Pages:
    """The pages of a run, where it is asked for some. They never keep the line from running: a port that is taken, or
    a record that cannot be opened, is told, and tried again.

    Raises DependencyError where a package is missing, InspectorError where the address is none.
    """

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        if options.serve is not None:
            check_packages()
            from inspector.page.server import parse_address  # noqa: PLC0415  (only who serves needs the packages)

            parse_address(options.serve)

    @contextmanager
    def over(self, lines: Sequence[Line]) -> Iterator[None]:
        """Serve, within."""
        options = self._options
        if options.serve is None:
            yield
            return
        from inspector.page.app import create_app  # noqa: PLC0415
        from inspector.page.record_link import RecordLink  # noqa: PLC0415
        from inspector.page.server import PatientServer  # noqa: PLC0415

        hub = self._hub(lines)
        with RecordLink(partial(open_store, options.record_url or DEFAULT, timeout_s=LOCK_S)) as link:
            app = create_app(hub, options.config_dir, options.model_dir, archive=options.archive_dir, link=link)
            with PatientServer(app, hub, options.serve, tell=_tell, complain=_logger.error):
                yield

    def _hub(self, lines: Sequence[Line]) -> Hub:
        options = self._options
        record = [] if "://" in (options.record_url or DEFAULT) else [Path(options.record_url or DEFAULT).parent]
        hub = Hub(watched=[options.log_dir, *([options.archive_dir] if options.archive_dir else []), *record])
        for line in lines:
            if line.feed is not None:
                control = PipelineControl(line.pipeline, options.config_dir, options.model_dir, line.rate_hz)
                hub.add(line.feed, control, partial(_troubles, line))
        return hub


def _troubles(line: Line) -> Sequence[str]:
    return line.record.troubles if line.record else ()


def _tell(words: str) -> None:
    print(words, file=sys.stderr)


def check_packages() -> None:
    """Raise DependencyError in one line that says what to install."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DependencyError(
            f"the pages need packages that are not installed ({', '.join(missing)}): "
            "pip install '.[station]' in the project's folder"
        )
