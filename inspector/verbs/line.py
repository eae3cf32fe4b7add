"""From options and settings to lines: a camera with its recipe, sinks and outputs around a pipeline."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from inspector.background import REST, in_background
from inspector.cameras.base import Camera
from inspector.cameras.source import open_camera, open_source
from inspector.channel import Overflow
from inspector.golden import check_golden
from inspector.identity import RunIdentity, utc_now
from inspector.inspection import Inspector, load_inspector
from inspector.outputs.base import Output
from inspector.page.feed import Feed
from inspector.pipeline import Pipeline
from inspector.record.composition import archive_settings, recording
from inspector.settled import SettledRecipes
from inspector.shared import SharedModels
from inspector.sinks.base import Sink
from inspector.sinks.log import LogSink
from inspector.sinks.old_logs import OldLogs
from inspector.sinks.pictures import OverlayFolder, PictureConsumer, Pictures
from inspector.sinks.terminal import TerminalSink
from inspector.sinks.video import VideoWriter
from inspector.sinks.window import Window
from inspector.station import Station, StationCamera
from inspector.verbs.attendant import Attendant
from inspector.verbs.options import RunOptions

if TYPE_CHECKING:
    from inspector.record.sink import RecordSink

VIDEO_FPS = 25.0  # of a recording, where the user gives no pace


@dataclass(frozen=True)
class Line:
    """A pipeline, and where its verdicts are kept."""

    pipeline: Pipeline
    rows: LogSink
    feed: Feed | None = None  # what its page shows
    record: RecordSink | None = None
    rate_hz: float | None = None  # of its parts, where it was set

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
    settings: StationCamera
    inspector: Inspector
    camera: Camera


class LineMaker:
    """Makes lines that share their models. First all are prepared, which only reads; then they are made."""

    def __init__(self, options: RunOptions, station: Station) -> None:
        self._options = options
        self._station = station
        self._run = RunIdentity.begin()
        self._models = SharedModels()
        self._recipes = SettledRecipes()
        self._prepared: list[_Prepared] = []

    def prepare(self, name: str, settings: StationCamera) -> None:
        """Load the recipe and its model, check them, find the camera. Raises InspectorError."""
        inspector = self._load(settings.product)
        self._prepared.append(_Prepared(name, settings, inspector, self._camera(settings)))

    def make(self, outputs: Mapping[str, Sequence[Output]]) -> list[Line]:
        """Open logs. Raises SinkError, and leaves none open then. The outputs of each camera are closed by its line."""
        with ExitStack() as undo:
            lines = [self._line(each, outputs[each.name], undo) for each in self._prepared]
            undo.pop_all()
            return lines

    def _camera(self, settings: StationCamera) -> Camera:
        frozen_after = self._station.frozen_after
        if settings.camera:
            return open_camera(settings.camera, frozen_after)
        return open_source(settings.source or "", settings.fps, self._options.loop, frozen_after)

    def _load(self, product: str, rest: float = 0.0) -> Inspector:
        """Return a product ready to run: loaded, warmed up, and right about its golden parts."""
        config_dir = self._options.config_dir
        inspector = load_inspector(
            product,
            config_dir,
            self._options.model_dir,
            load_model=self._models,
            rest=rest,
            read_recipe=self._recipes,
            limit_s=self._station.load_s,
        )
        in_background(lambda: check_golden(inspector, config_dir))
        return inspector

    def _line(self, prepared: _Prepared, outputs: Sequence[Output], undo: ExitStack) -> Line:
        name, options, station = prepared.name, self._options, self._station
        rows = LogSink(options.log_dir / name, utc_now)
        undo.callback(rows.close)
        window = Window("line inspector") if options.window else None
        feed = Feed(name) if options.serve else None
        sinks: list[Sink] = [TerminalSink(sys.stdout, name), *self._pictures(prepared, window)]
        sinks.append(OldLogs(rows, station.log))
        sinks += [feed] if feed else []
        record = self._record(name, lambda: pipeline.inspector)
        sinks += [record] if record else []
        pipeline = Pipeline(
            prepared.camera,
            prepared.inspector,
            sinks,
            outputs,
            identity=self._run.of(name),
            journal=rows,
            load=partial(self._load, rest=REST),
            tick=Attendant(options, window),
            overflow=None if station.overflow == "auto" else Overflow(station.overflow),
            stall_s=station.stall_s,
            heartbeat_s=station.heartbeat_s,
            load_s=station.load_s,
        )
        return Line(pipeline, rows, feed, record, prepared.settings.rate_hz)

    def _record(self, name: str, in_charge: Callable[[], Inspector]) -> RecordSink | None:
        """The record's sink, where one is kept. The inspector belongs to the pipeline, which is made after it."""
        options = self._options
        if options.record_url is None or options.archive_dir is None:
            return None
        keeping = self._station.record
        archive = archive_settings(options.archive_dir, keeping)
        run = self._run.of(name)
        return recording(options.record_url, run, options.log_dir / name, in_charge, archive, keeping)

    def _pictures(self, prepared: _Prepared, window: Window | None) -> list[Sink]:
        options, name = self._options, prepared.name
        consumers: list[PictureConsumer] = [window] if window else []
        if options.save_overlays:
            consumers.append(OverlayFolder(options.save_overlays / name, options.keep_pass_every))
        if options.save_video:
            file = options.save_video
            path = file.with_name(f"{file.stem}-{name}{file.suffix}") if name else file
            consumers.append(VideoWriter(path, prepared.settings.rate_hz or VIDEO_FPS))
        return [Pictures(consumers)] if consumers else []
