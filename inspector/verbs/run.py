"""`run`: inspect a source, or every camera of the station, until it ends or is stopped."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from inspector.cli import add_folders, whole_number
from inspector.console import PATIENCE_S
from inspector.errors import InspectorError, RecipeError
from inspector.outputs.target import close_safely, make_safe, open_outputs
from inspector.pipeline import run_together
from inspector.record.opening import DEFAULT
from inspector.station import Station, StationCamera, load_station, readable_targets
from inspector.verbs.line import VIDEO_FPS, Line, LineMaker
from inspector.verbs.options import ARCHIVE, RunOptions
from inspector.verbs.serving import ADDRESS, Pages

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")  # as far as the system knows them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "--product", help="the recipe to start with: config/PRODUCT.yaml (default: the cameras of config/station.yaml)"
    )
    parser.add_argument(
        "--source",
        metavar="DIR|FILE|URL|N",
        help="folder of images or video file to replay, rtsp:// or http:// stream, or a camera's number or file",
    )
    parser.add_argument("--fps", type=float, help="pace of a replay, or rate asked of a camera (default: its own)")
    parser.add_argument("--loop", action="store_true", help="replay again and again, until Ctrl-C")
    parser.add_argument("--log-dir", type=Path, default=Path("logs"), metavar="DIR", help="default: logs/")
    parser.add_argument("--save-overlays", type=Path, metavar="DIR", help="save a picture of each reject")
    parser.add_argument(
        "--keep-pass-every",
        type=whole_number(0),
        default=20,
        metavar="N",
        help="and of one pass in N; 0: none (default: 20)",
    )
    parser.add_argument(
        "--save-video", type=Path, metavar="FILE", help=f"record overlays, .mp4 or .avi ({VIDEO_FPS:g} fps, or --fps)"
    )
    parser.add_argument("--window", action="store_true", help="show the overlays; q quits, p changes product")
    parser.add_argument(
        "--serve",
        nargs="?",
        const=ADDRESS,
        metavar="HOST:PORT",
        help="show the line in a browser (default: " + ADDRESS + ", this machine only)",
    )
    parser.add_argument(
        "--record",
        metavar="FILE|URL",
        help=f"keep every part in a database: a file, or postgresql://USER@HOST/NAME (default with --serve: {DEFAULT})",
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help=f"with a record: pictures of rejects (default: {ARCHIVE}/)"
    )
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Inspect; returns 0 when every source ended or the run was stopped on purpose."""
    lines, pages = _start(RunOptions.from_arguments(arguments))
    with _stopped_by_signals(lines), pages.over(lines):
        try:
            run_together([line.pipeline for line in lines], partial(_end_at_once, lines))
        finally:
            for line in lines:
                line.report()
    _raise_errors(lines)
    return 0


def _start(options: RunOptions) -> tuple[list[Line], Pages]:
    """Make the lines. Every output is safe before anything else is done, and stays so after an error."""
    try:
        station = load_station(options.config_dir)
        cameras = _cameras(options, station)
        pages = Pages(options)
    except InspectorError as error:
        make_safe(readable_targets(options.config_dir), str(error))
        raise
    outputs = open_outputs(cameras, station.heartbeat_s)
    try:
        maker = LineMaker(options, station)
        for name, camera in cameras.items():  # all of it is read before anything is written
            maker.prepare(name, camera)
        return maker.make(outputs), pages
    except BaseException as error:
        close_safely(outputs, str(error) or type(error).__name__)
        raise


def _end_at_once(lines: Sequence[Line]) -> None:
    """End the process, whose own thread hangs, as well as can be done without it."""
    for error in [error for line in lines for error in line.pipeline.errors]:
        print(f"error: {error}", file=sys.stderr)
    time.sleep(PATIENCE_S)  # for what is still to be read
    os._exit(2)


def _cameras(options: RunOptions, station: Station) -> Mapping[str, StationCamera]:
    """Return what to inspect, by name: what the command line says, or else every camera of the station."""
    if options.product and options.source is not None:
        source = StationCamera.model_construct(
            source=options.source, product=options.product, fps=options.fps, outputs=station.outputs
        )
        return {"": source}
    if options.product or options.source is not None or not station.cameras:
        raise RecipeError("give --product and --source, or `cameras` in config/station.yaml: see `run --help`")
    if options.window:
        raise RecipeError("--window shows one camera: give its --product and --source")
    return station.cameras


def _raise_errors(lines: Sequence[Line]) -> None:
    """Raise what the lines raised: one's own error, or all of them in one line that names the cameras."""
    failed = []
    for line in lines:
        try:
            line.pipeline.result()
        except (InspectorError, OSError) as error:
            if len(lines) == 1:
                raise
            failed.append(f"{line.pipeline.name}: {error}")
    if failed:
        raise InspectorError(f"{len(failed)} of {len(lines)} cameras failed: {'; '.join(failed)}")


@contextmanager
def _stopped_by_signals(lines: Sequence[Line]) -> Iterator[None]:
    """End in order within, on Ctrl-C and other signals that ask for it; a second Ctrl-C ends the program at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for line in lines:
            line.pipeline.stop()

    with _signals(handler):
        yield


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]  # as `nohup` wants it
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
