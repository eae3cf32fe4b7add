"""`run`: inspect a source until it ends or somebody stops it."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType

from inspector.cameras.source import open_source
from inspector.cli import add_folders, whole_number
from inspector.errors import RecipeError
from inspector.inspection import Inspector, load_inspector
from inspector.pipeline import Pipeline
from inspector.recipe import load_recipe, products, recipe_path
from inspector.sinks.base import Sink
from inspector.sinks.log import LogSink
from inspector.sinks.pictures import OverlayFolder, PictureConsumer, Pictures
from inspector.sinks.terminal import TerminalSink
from inspector.sinks.video import VideoWriter
from inspector.sinks.window import Window

VIDEO_FPS = 25.0  # of a recording, where the user gives no pace
WATCH_PERIOD_NS = 500_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("--product", required=True, help="the recipe to start with: config/PRODUCT.yaml")
    parser.add_argument(
        "--source",
        required=True,
        metavar="DIR|FILE|URL|N",
        help="folder of images or video file to replay, rtsp:// or http:// stream, or a camera's number",
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
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Inspect; returns 0 when the source ended or the run was stopped on purpose."""

    def load(product: str) -> Inspector:
        return load_inspector(product, arguments.config_dir, arguments.model_dir)

    inspector = load(arguments.product)
    camera = open_source(arguments.source, arguments.fps, arguments.loop)
    rows = LogSink(arguments.log_dir, lambda: datetime.now(timezone.utc))
    # The log comes first: what is announced anywhere is already written down.
    sinks: list[Sink] = [rows, TerminalSink(sys.stdout)]
    window = _window(arguments, lambda: pipeline)
    pictures = _pictures(arguments, window)
    pipeline = Pipeline(camera, inspector, [*sinks, *pictures], load=load, tick=lambda: _tick(watch, window))
    watch = _RecipeWatch(arguments.config_dir, pipeline)
    with _stopped_by_signals(pipeline.stop):
        summary = pipeline.run()
    print(*summary.lines(), *(f"log: {path}" for path in rows.paths), sep="\n")
    return 0


def _window(arguments: argparse.Namespace, pipeline: Callable[[], Pipeline]) -> Window | None:
    """The live window, if asked for. Its keys act on the pipeline, which is made after it."""
    if not arguments.window:
        return None
    return Window("line inspector", lambda: pipeline().stop(), lambda: _next_product(arguments, pipeline()))


def _pictures(arguments: argparse.Namespace, window: Window | None) -> list[Sink]:
    consumers: list[PictureConsumer] = [window] if window else []
    if arguments.save_overlays:
        consumers.append(OverlayFolder(arguments.save_overlays, arguments.keep_pass_every))
    if arguments.save_video:
        consumers.append(VideoWriter(arguments.save_video, arguments.fps or VIDEO_FPS))
    return [Pictures(consumers)] if consumers else []


def _tick(watch: _RecipeWatch, window: Window | None) -> None:
    watch()
    if window:
        window.poll()


def _next_product(arguments: argparse.Namespace, pipeline: Pipeline) -> None:
    """Change to the next product, by name, that has a recipe and a model."""
    ready = [p for p in products(arguments.config_dir) if _has_model(arguments, p)]
    after = [p for p in ready if p > pipeline.inspector.recipe.product]
    if (after or ready)[:1] not in ([], [pipeline.inspector.recipe.product]):
        pipeline.change_product((after or ready)[0])


def _has_model(arguments: argparse.Namespace, product: str) -> bool:
    try:
        recipe = load_recipe(arguments.config_dir, product)
    except RecipeError:  # of another product: no reason to stop this one
        return False
    return bool((arguments.model_dir / recipe.model_file).is_file())


class _RecipeWatch:
    """Asks for a changeover when the running product's recipe file changes on disk."""

    def __init__(self, config_dir: Path, pipeline: Pipeline) -> None:
        self._config_dir = config_dir
        self._pipeline = pipeline
        self._seen = self._state()
        self._next_ns = 0

    def __call__(self) -> None:
        if time.monotonic_ns() < self._next_ns:
            return
        self._next_ns = time.monotonic_ns() + WATCH_PERIOD_NS
        before, self._seen = self._seen, self._state()
        product, changed_ns, _ = self._seen
        if changed_ns and product == before[0] and self._seen != before:
            self._pipeline.change_product(product)

    def _state(self) -> tuple[str, int, int]:
        product = self._pipeline.inspector.recipe.product
        try:
            stat = recipe_path(self._config_dir, product).stat()
        except OSError:  # being replaced this moment, or removed: the running recipe goes on
            return product, 0, 0
        return product, stat.st_mtime_ns, stat.st_size


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run in order; a second Ctrl-C ends the program at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
