"""A running line that records every part and keeps pictures of all of them, as `run --record` does."""

import dataclasses
import socket
from contextlib import contextmanager

from running import Running

from inspector.identity import RunIdentity
from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.recorder import Recorder
from inspector.record.rows import RunRow
from inspector.record.sink import RecordSink
from inspector.record.store import Store


class Spread:
    """Another sink, to which parts come at other times than they do: the first at `start`, `step` apart."""

    def __init__(self, sink, start, step):
        self._sink = sink
        self._start = start
        self._step = step

    def write(self, inspection, counts):
        identity = inspection.identity
        run = dataclasses.replace(identity.run, started_utc=self._start + identity.number * self._step, started_ns=0)
        then = dataclasses.replace(identity, run=run, captured_ns=0)
        self._sink.write(dataclasses.replace(inspection, identity=then), counts)

    def close(self):
        self._sink.close()


@contextmanager
def recording(station, folder, start=None, step=None):
    """A line with its record and its pages, until the end of the block."""
    url, archive = str(folder / "record.db"), folder / "archive"
    identity = RunIdentity.begin()
    run = RunRow(identity.id, identity.started_utc, socket.gethostname(), "test", "0")
    kept = Archive(ArchiveSettings(archive, keep_pass_every=1, free_bytes=0))
    sink = RecordSink(Recorder(lambda: Store(url), run), kept)
    sink = Spread(sink, start, step) if step else sink
    with (
        Store(url) as store,
        Running(station, identity=identity, sinks=[sink]).served(store=store, archive=archive) as running,
    ):
        running.store = store
        running.archive = archive
        yield running
