"""A running line with its pages on a free port of this machine.

The line is a real one: threads, recipes, an ONNX session; the test hands it its parts one by one.
"""

import queue
import threading
import time
from contextlib import contextmanager

import numpy as np

from inspector.errors import EndOfStream
from inspector.identity import RunIdentity
from inspector.inspection import load_inspector
from inspector.page.app import create_app
from inspector.page.control import PipelineControl
from inspector.page.feed import Feed
from inspector.page.live import Hub
from inspector.page.server import Server, listen
from inspector.pipeline import Pipeline
from inspector.records import Frame
from inspector.testing import MemoryOutput

PATIENCE_S = 60  # only a test that fails waits so long


class Belt:
    """A camera that sees what the test puts before it: a brightness, a picture, or an error to raise."""

    live = True

    def __init__(self):
        self._parts = queue.Queue()
        self._index = 0
        self._ended = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        pass

    def put(self, *parts):
        for part in parts:
            self._parts.put(part)

    def skip(self):
        """Count a picture that the line never gets."""
        self._index += 1

    def end(self):
        self._ended.set()

    def read(self, timeout_s):
        try:
            part = self._parts.get(timeout=0.02)
        except queue.Empty:
            if self._ended.is_set():
                raise EndOfStream("the test is over") from None
            return None
        if isinstance(part, BaseException):
            raise part
        image = np.full((48, 64, 3), part, np.uint8) if isinstance(part, int) else part
        index, self._index = self._index, self._index + 1
        return Frame(index, time.monotonic_ns(), image, part=f"part-{index}")


class Running:
    """A line under test, and its pages."""

    def __init__(self, station, name="", sinks=(), identity=None):
        self.station = station
        self.belt = Belt()
        self.feed = Feed(name)
        self.output = MemoryOutput()
        self.pipeline = Pipeline(
            self.belt,
            station.load(),
            [self.feed, *sinks],
            [self.output],
            identity=identity or RunIdentity.begin(name),
            load=lambda product: load_inspector(product, station.config, station.models),
        )
        self.hub = Hub(watched=[station.config])
        self.control = PipelineControl(self.pipeline, station.config, station.models)
        self.hub.add(self.feed, self.control)
        self._thread = threading.Thread(target=self.pipeline.run)

    @contextmanager
    def served(self, **options):
        """Run, and serve on a free port; the address becomes `url`."""
        self.app = create_app(self.hub, self.station.config, self.station.models, **options)
        with Server(self.app, self.hub, listen("127.0.0.1:0")) as server, self.running():
            self.url = server.address.rstrip("/")
            yield self

    @contextmanager
    def running(self):
        """Run, until the end of the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._end()

    def _end(self):
        self.belt.end()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def parts(self, *brightnesses):
        """Let parts come one by one, and wait until each is judged: a live line that is too fast misses some."""
        for brightness in brightnesses:
            wanted = self.feed.sequence + 1
            self.belt.put(brightness)
            wait_until(lambda wanted=wanted: self.feed.sequence >= wanted)


def wait_until(holds):
    """Until a condition holds; a test that fails waits for a minute."""
    ticks = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if holds():
            return
        ticks.wait(0.01)
    raise AssertionError("it never happened")
