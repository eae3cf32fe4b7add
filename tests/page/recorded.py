"""A running line that records every part and keeps pictures of all of them, as `run --record` does."""

from contextlib import contextmanager
from datetime import datetime, timezone

from conftest import Running

from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.recorder import Recorder
from inspector.record.rows import RunRow
from inspector.record.sink import Line, RecordSink
from inspector.record.store import Store


def now():
    return datetime.now(timezone.utc)


@contextmanager
def recording(station, folder, utc_now=now):
    """A line with its record and its pages, until the end of the block."""
    url = str(folder / "record.db")
    archive = folder / "archive"
    run = RunRow(id="run", started_utc=now(), host="here", command="test", version="0")
    recorder = Recorder(lambda: Store(url), run)
    kept = Archive(ArchiveSettings(archive, keep_pass_every=1, free_bytes=0))
    sink = RecordSink(Line("run", ""), recorder, kept, utc_now)
    with Store(url) as store, Running(station, sinks=[sink]).served(store=store, archive=archive) as running:
        running.store = store
        running.archive = archive
        yield running
