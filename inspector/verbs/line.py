"""From options and settings to lines: a camera with its recipe, sinks and outputs around a pipeline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from inspector.background import REST, in_background
from inspector.cameras.base import Camera
from inspector.cameras.source import open_source
from inspector.channel import Overflow
from inspector.errors import RecipeError
from inspector.golden import check_golden
from inspector.inspection import Inspector, load_inspector
from inspector.outputs.base import Output
from inspector.page.feed import Feed
from inspector.pipeline import JUDGES, Pipeline
from inspector.recipe import load_recipe, products
from inspector.settled import SettledRecipes
from inspector.shared import SharedModels
from inspector.sinks.base import Sink
from inspector.sinks.log import LogSink
from inspector.sinks.pictures import OverlayFolder, PictureConsumer, Pictures
from inspector.sinks.terminal import TerminalSink
from inspector.sinks.video import VideoWriter
from inspector.sinks.window import Window
from inspector.station import CameraSettings, Station
from inspector.verbs.recipe_watch import RecipeWatch

VIDEO_FPS = 25.0  # of a recording, where the user gives no pace


@dataclass(frozen=True)
class Line:
    """A pipeline, and where its verdicts are kept."""

    pipeline: Pipeline
    rows: LogSink
    feed: Feed | None = None  # what its page shows

    def report(self) -> None:
        """Print what was done, and where it lies. Where nothing was done, the error says enough."""
        if self.pipeline.failed and not self.pipeline.summary.captured:
            return
        name = f"{self.pipeline.name}: " if self.pipeline.name else ""
        lines = (*self.pipeline.summary.lines(), *(f"log: {path}" for path in self.rows.paths))
        print(*(name + line for line in lines), sep="\n")


@dataclass(frozen=True)
class _Prepared:
    name: str
    settings: CameraSettings
    inspector: Inspector
    camera: Camera


class LineMaker:
    """Makes lines that share their models. First all are prepared, which only reads; then they are made."""

    def __init__(self, arguments: argparse.Namespace, station: Station) -> None:
        self._arguments = arguments
        self._station = station
        self._models = SharedModels()
        self._recipes = SettledRecipes()
        self._prepared: list[_Prepared] = []

    def prepare(self, name: str, settings: CameraSettings) -> None:
        """Load the recipe and its model, check them, find the camera. Raises InspectorError."""
        inspector = self._load(settings.product)
        camera = open_source(settings.source, settings.fps, self._arguments.loop, self._station.frozen_after)
        self._prepared.append(_Prepared(name, settings, inspector, camera))

    def make(self, outputs: Mapping[str, Sequence[Output]]) -> list[Line]:
        """Open logs. Raises SinkError, and leaves none open then. The outputs of each camera are closed by its line."""
        with ExitStack() as undo:
            lines = [self._line(each, outputs[each.name], undo) for each in self._prepared]
            undo.pop_all()
            return lines

    def _load(self, product: str, rest: float = 0.0) -> Inspector:
        """A product ready to run: loaded, warmed up, and right about its golden parts."""
        config_dir: Path = self._arguments.config_dir
        inspector = load_inspector(
            product,
            config_dir,
            self._arguments.model_dir,
            load_model=self._models,
            judges=JUDGES,
            rest=rest,
            read_recipe=self._recipes,
            limit_s=self._station.load_s,
        )
        in_background(lambda: check_golden(inspector, config_dir))
        return inspector

    def _line(self, prepared: _Prepared, outputs: Sequence[Output], undo: ExitStack) -> Line:
        name = prepared.name
        rows = LogSink(self._arguments.log_dir / name, lambda: datetime.now(timezone.utc))
        undo.callback(rows.close)
        window = self._window(lambda: pipeline)
        feed = Feed(name) if self._arguments.serve else None
        sinks: list[Sink] = [TerminalSink(sys.stdout, name), *self._pictures(prepared, window)]
        sinks += [feed] if feed else []
        pipeline = Pipeline(
            prepared.camera,
            prepared.inspector,
            sinks,
            outputs,
            name=name,
            journal=rows,
            load=partial(self._load, rest=REST),
            tick=lambda: _tick(watch, window),
            overflow=None if self._station.overflow == "auto" else Overflow(self._station.overflow),
            stall_s=self._station.stall_s,
            heartbeat_s=self._station.heartbeat_s,
            load_s=self._station.load_s,
        )
        watch = RecipeWatch(self._arguments.config_dir, pipeline)
        return Line(pipeline, rows, feed)

    def _window(self, pipeline: Callable[[], Pipeline]) -> Window | None:
        """The live window, if asked for. Its keys act on the pipeline, which is made after it."""
        if not self._arguments.window:
            return None
        return Window("line inspector", lambda: pipeline().stop(), lambda: _next_product(self._arguments, pipeline()))

    def _pictures(self, prepared: _Prepared, window: Window | None) -> list[Sink]:
        arguments, name = self._arguments, prepared.name
        consumers: list[PictureConsumer] = [window] if window else []
        if arguments.save_overlays:
            consumers.append(OverlayFolder(arguments.save_overlays / name, arguments.keep_pass_every))
        if arguments.save_video:
            file: Path = arguments.save_video
            path = file.with_name(f"{file.stem}-{name}{file.suffix}") if name else file
            consumers.append(VideoWriter(path, prepared.settings.fps or VIDEO_FPS))
        return [Pictures(consumers)] if consumers else []


def _tick(watch: RecipeWatch, window: Window | None) -> None:
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
