"""`serve`: the pages over the record, from which a line can be started and stopped."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from inspector.cli import add_folders
from inspector.page.live import Hub
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.options import ARCHIVE
from inspector.verbs.serving import ADDRESS, check_packages

if TYPE_CHECKING:
    from inspector.page.line_process import LineProcess
    from inspector.record.store import Store

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
PATIENCE_S = 60.0  # for a line that ends with the pages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("address", nargs="?", default=ADDRESS, metavar="HOST:PORT", help=f"default: {ADDRESS}")
    parser.add_argument("--record", default=DEFAULT, metavar="FILE|URL", help=f"default: {DEFAULT}")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, metavar="DIR", help=f"default: {ARCHIVE}/")
    parser.add_argument(
        "--log-dir", type=Path, default=Path("logs"), metavar="DIR", help="of a line that is started; default: logs/"
    )
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C. While a line runs that was started here, its process serves in place of this one."""
    check_packages()
    from inspector.page.line_process import LineProcess  # noqa: PLC0415  (they need packages that were just checked)
    from inspector.page.server import listen  # noqa: PLC0415

    listener = listen(arguments.address)
    news: SimpleQueue[bool] = SimpleQueue()  # something about the line has changed; True: the end is wanted
    for number in [getattr(signal, name) for name in ENDING if hasattr(signal, name)]:
        signal.signal(number, lambda *_: news.put(True))
    with listener, open_store(arguments.record) as store:
        line = LineProcess(_options_of_run(arguments), listener, arguments.log_dir, lambda: news.put(False))
        over = False
        while not over:
            with ExitStack() as pages:
                _serve(arguments, listener, store, line, pages)
                while not over and line.phase != "running":
                    over = news.get()
            while not over and line.phase == "running":
                over = news.get()
        _end(line)
    return 0


def _serve(
    arguments: argparse.Namespace, listener: socket.socket, store: Store, line: LineProcess, pages: ExitStack
) -> None:
    from inspector.page.app import create_app  # noqa: PLC0415
    from inspector.page.server import Server  # noqa: PLC0415

    hub = Hub()
    app = create_app(hub, arguments.config_dir, arguments.model_dir, store, arguments.archive, line_process=line)
    server = pages.enter_context(Server(app, hub, listener.dup()))  # the server closes its own
    print(f"pages: {server.address}", file=sys.stderr)


def _end(line: LineProcess) -> None:
    """End the line in order as well: who started it from these pages ends it with them."""
    line.stop()
    if not line.wait(PATIENCE_S):
        print(f"the line does not end: see {line.console}", file=sys.stderr)


def _options_of_run(arguments: argparse.Namespace) -> tuple[str, ...]:
    given = ("--record", arguments.record, "--archive", arguments.archive)
    folders = ("--model-dir", arguments.model_dir, "--config-dir", arguments.config_dir)
    return tuple(map(str, (*given, *folders)))
