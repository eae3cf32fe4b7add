"""From the running line into the record: what was announced is not lost, whatever becomes of program or database."""

import contextlib
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from process import PATIENCE_S
from recorded import T0, run_row

from inspector.errors import StoreError
from inspector.identity import RunIdentity
from inspector.pipeline import Pipeline
from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.composition import command_of
from inspector.record.log_import import import_logs
from inspector.record.looks import Looks
from inspector.record.opening import open_store
from inspector.record.recorder import Recorder
from inspector.record.rows import PartFilter, PartKey
from inspector.record.sink import RecordSink
from inspector.records import Counts, Frame, Verdict
from inspector.sinks.log import LogSink
from inspector.testing import FakeCamera, MemorySink

RUN = RunIdentity("run", "", T0, 0)
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def told():
    """Messages of the record, each of which can be waited for."""
    listener = Told()
    logger = logging.getLogger("inspector.record")
    logger.addHandler(listener)
    yield listener
    logger.removeHandler(listener)


class Told(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
        self._new = threading.Condition()

    def emit(self, record):
        with self._new:
            self.lines.append(record.getMessage())
            self._new.notify_all()

    def wait_for(self, words):
        with self._new:
            assert self._new.wait_for(lambda: any(words in line for line in self.lines), PATIENCE_S), self.lines


def pictures(*brightnesses):
    return [np.full((48, 64, 3), brightness, np.uint8) for brightness in brightnesses]


def run_line(station, images, logs, recorder, archive=None):
    """A line of real threads with a log and a record; returns what the log's reader was told."""
    seen = MemorySink()
    sink = RecordSink(recorder, archive)
    rows = LogSink(logs, lambda: datetime.now(timezone.utc))
    Pipeline(FakeCamera(images, live=False), station.load(), [seen, sink], identity=RUN, journal=rows).run()
    return seen.inspections


def catch_up(store, logs):
    return sum(import_logs(store, logs, "host"))


def test_a_run_is_in_the_record_part_by_part(station, url, tmp_path):
    recorder = Recorder(lambda: open_store(url), run_row())
    images = pictures(station.dark, station.bright, station.not_a_number, *[station.dark] * 300)
    inspections = run_line(station, images, tmp_path / "logs", recorder)
    with open_store(url) as store:
        found = [each.row for each in store.each()]
        assert store.counts() == Counts(passed=301, failed=1, missed=1)
        assert store.runs()[0].ended_utc is not None
    assert [row.number for row in sorted(found, key=lambda row: row.number)] == list(range(303))
    for inspection in inspections:
        row = next(row for row in found if row.number == inspection.index)
        assert (row.verdict, row.product, row.model_hash) == (
            inspection.verdict,
            inspection.product,
            inspection.context.model_hash,
        )
        assert row.cause == (inspection.cause and inspection.cause.value)
        if inspection.image is None:  # a missed part may have lost it on a busy machine
            assert row.brightness is None
        else:
            assert row.brightness == pytest.approx(inspection.image.mean(), abs=0.5)
        if row.verdict is not Verdict.MISSED:
            assert (row.score, row.percentile) == (inspection.score, round(inspection.percentile, 4))
            assert 0 <= row.worst_x <= 1
            assert 0 <= row.worst_y <= 1


def test_a_locked_database_is_told_once_and_nothing_waits_for_it_or_is_lost(station, tmp_path, told):
    path = tmp_path / "record.db"
    open_store(str(path)).close()
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        recorder = Recorder(lambda: open_store(str(path), timeout_s=0.01), run_row(), retry_s=0.01)
        told.wait_for("is locked by another program")
        sink = RecordSink(recorder)
        for inspection in inspections_of(station, 50):
            sink.write(inspection, Counts())  # returns though the database is locked
        other.rollback()
    told.wait_for("written again")
    sink.close()
    with open_store(str(path)) as store:
        assert store.counts() == Counts(passed=50)
    assert sum("is locked" in line for line in told.lines) == 1


def inspections_of(station, count):
    """Parts of a run, all alike."""
    (first,) = station.load().inspect([replace(station.frame(0), run=RUN)])
    return [replace(first, identity=replace(first.identity, number=number)) for number in range(count)]


def test_a_record_that_cannot_be_opened_is_told_and_the_line_judges_on(station, tmp_path, told):
    logs, missing = tmp_path / "logs", tmp_path / "none" / "record.db"
    recorder = Recorder(lambda: open_store(str(missing)), run_row())
    inspections = run_line(station, pictures(*[station.dark] * 20), logs, recorder)
    assert [inspection.verdict for inspection in inspections] == [Verdict.PASS] * 20
    assert [line for line in told.lines if "there is no folder" in line and "the line goes on" in line]
    assert "20 parts are in the log only: the record takes them when it is opened next" in told.lines
    missing.parent.mkdir()
    with open_store(str(missing)) as store:
        assert catch_up(store, logs) == 20
        assert store.counts() == Counts(passed=20)


def test_parts_that_no_longer_fit_in_memory_are_read_from_the_log(station, tmp_path, told):
    logs, path = tmp_path / "logs", tmp_path / "none" / "record.db"
    rows = LogSink(logs, lambda: datetime.now(timezone.utc))
    recorder = Recorder(lambda: open_store(str(path)), run_row(), logs=logs, retry_s=0.01, most=20)
    told.wait_for("there is no folder")
    sink = RecordSink(recorder)
    for inspection in inspections_of(station, 50):
        rows.write(inspection, Counts())
        sink.write(replace(inspection, image=None), Counts())
    rows.close()
    path.parent.mkdir()
    told.wait_for("written again")
    sink.close()
    with open_store(str(path)) as store:
        catch_up(store, logs)
        assert store.counts() == Counts(passed=50)
        assert store.part(PartKey("run", "", 0)) is not None


def test_a_row_read_from_the_log_is_the_row_that_would_have_been_written(station, url, tmp_path):
    settings = ArchiveSettings(tmp_path / "archive", keep_pass_every=2, free_bytes=0)
    brightnesses = [station.dark, station.bright, station.not_a_number, 100, station.dark]
    frames = [
        Frame(n, n * 1_000_001_234, image, part=f"good/{n}.png") for n, image in enumerate(pictures(*brightnesses))
    ]
    first = str(tmp_path / "first.db")
    run_line(station, frames, tmp_path / "logs", Recorder(lambda: open_store(first), run_row()), Archive(settings))
    with open_store(first) as written, open_store(url) as read:
        assert sum(import_logs(read, tmp_path / "logs", "host", archive=Archive(settings))) == 5
        known = [each.row for each in written.each()]
        assert [each.row for each in read.each()] == [replace(row, **dict.fromkeys(Looks.__slots__)) for row in known]
    assert [row.captured_ns for row in known] == [frame.captured_ns for frame in frames]
    assert [row.image_path is not None for row in known] == [True, True, True, False, True]


def test_logs_are_read_once_and_a_row_that_is_torn_or_no_row_is_passed_over(station, tmp_path, url, told):
    logs = tmp_path / "logs"
    for camera, run in (("", RUN), ("left", None)):  # of the second, run and camera are not named, as in older logs
        sink = LogSink(logs / camera, lambda: T0)
        for inspection in inspections_of(station, 3):
            sink.write(replace(inspection, identity=replace(inspection.identity, run=run)), Counts())
        sink.close()
    file = next(logs.glob("*.jsonl"))
    with file.open("ab") as lines:
        lines.write(b'{"utc": "2026-03-01T12:00:00.000Z"}\n[]\n{"utc": "2026')
    with open_store(url) as store:
        assert catch_up(store, logs) == 6
        assert catch_up(store, logs) == 0
        assert sorted((each.row.camera, each.row.number) for each in store.each()) == [
            (camera, number) for camera in ("", "left") for number in range(3)
        ]
        assert {each.row.captured_utc.date() for each in store.each()} == {T0.date()}
        assert store.cameras() == ["", "left"]
        assert sum("passed over a row" in line for line in told.lines) == 2
        with file.open("ab") as lines:
            lines.write(b'"}\n')
        catch_up(store, logs)
        assert sum("passed over a row" in line for line in told.lines) == 3


KILLED = """
import itertools, sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
import numpy as np
from inspector.identity import RunIdentity
from inspector.inspection import load_inspector
from inspector.pipeline import Pipeline
from inspector.record.opening import open_store
from inspector.record.recorder import Recorder
from inspector.record.rows import RunRow
from inspector.record.sink import RecordSink
from inspector.sinks.log import LogSink
from inspector.sinks.terminal import TerminalSink
from inspector.testing import FakeCamera

home = Path(sys.argv[1])
utc_now = lambda: datetime.now(timezone.utc)
images = (np.full((48, 64, 3), 40 + 160 * (n % 3 == 0), np.uint8) for n in itertools.count())
rows = LogSink(home / "logs", utc_now)
identity = RunIdentity.begin()
run = RunRow(identity.id, identity.started_utc, "host", "", "")
recorder = Recorder(lambda: open_store(sys.argv[2]), run, logs=home / "logs")
sinks = [TerminalSink(sys.stdout, ""), RecordSink(recorder)]
inspector = load_inspector("alpha", home / "config", home / "models")
Pipeline(FakeCamera(images, live=False), inspector, sinks, identity=identity, journal=rows).run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("rejects", [1, 40])
def test_what_was_announced_survives_a_kill(station, url, tmp_path, rejects):
    command = [sys.executable, "-c", KILLED, str(tmp_path), url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        announced = []
        while sum("FAIL" in line for line in announced) < rejects:
            announced.append(process.stdout.readline())
            assert announced[-1], announced
        process.send_signal(signal.SIGKILL)
        announced += process.stdout.readlines()
    numbers = {int(line.split()[0]) for line in announced if "FAIL" in line and line.endswith("\n")}
    with open_store(url) as store:
        catch_up(store, tmp_path / "logs")
        found = [each.row.number for each in store.each(PartFilter(verdicts=(Verdict.FAIL,)))]
        assert numbers <= set(found)
        assert len(found) == len(set(found)) == store.counts().failed
        assert sorted(each.row.number for each in store.each()) == list(range(store.counts().captured))


def test_a_record_of_a_newer_program_does_not_stop_the_line(station, tmp_path, told):
    path = str(tmp_path / "record.db")
    with open_store(path) as store, store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    recorder = Recorder(lambda: open_store(path), run_row())
    assert len(run_line(station, pictures(station.dark), tmp_path / "logs", recorder)) == 1
    assert any("written by a newer program" in line for line in told.lines)
    with pytest.raises(StoreError):
        open_store(path)
    assert Path(path).exists()


@pytest.mark.parametrize("words", [["--record", "postgresql://u:secret@h/d"], ["--record=postgresql://u:secret@h/d"]])
def test_the_command_that_is_kept_has_no_password(words):
    kept = command_of(["line-inspector", "run", *words])
    assert "secret" not in kept
    assert "u:***@h/d" in kept
