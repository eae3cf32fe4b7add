"""`serve`: the pages over the record, without a line."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from inspector.cli import add_folders
from inspector.page.live import Hub
from inspector.record.opening import DEFAULT, open_store
from inspector.verbs.options import ARCHIVE
from inspector.verbs.serving import ADDRESS, check_packages

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("address", nargs="?", default=ADDRESS, metavar="HOST:PORT", help=f"default: {ADDRESS}")
    parser.add_argument("--record", default=DEFAULT, metavar="FILE|URL", help=f"default: {DEFAULT}")
    parser.add_argument("--archive", type=Path, default=ARCHIVE, metavar="DIR", help=f"default: {ARCHIVE}/")
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    check_packages()
    from inspector.page.app import create_app  # noqa: PLC0415  (they need packages that were just checked)
    from inspector.page.server import Server, listen  # noqa: PLC0415

    listener = listen(arguments.address)
    ended = threading.Event()
    for number in [getattr(signal, name) for name in ENDING if hasattr(signal, name)]:
        signal.signal(number, lambda *_: ended.set())
    hub = Hub()
    with listener, open_store(arguments.record) as store:
        app = create_app(hub, arguments.config_dir, arguments.model_dir, store, arguments.archive)
        with Server(app, hub, listener) as server:
            print(f"pages: {server.address}", file=sys.stderr)
            ended.wait()
    return 0
