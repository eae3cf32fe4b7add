"""What names a part: in the run, in the log, over several cameras."""

import csv
import json
import re
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from line import Scripted, no_thread_is_left  # noqa: F401

from inspector.errors import FrameLost
from inspector.identity import PartIdentity, RunIdentity
from inspector.pipeline import Pipeline
from inspector.records import Frame
from inspector.sinks.log import LogSink
from inspector.testing import ManualClock, MemorySink, blank_frame

START = datetime(2024, 5, 1, 23, 59, 59, 900_000, tzinfo=timezone.utc)
SECOND = 1_000_000_000


def begun(camera="", now_ns=5 * SECOND):
    return RunIdentity.begin(camera, ManualClock(now_ns), lambda: START)


def test_a_capture_time_becomes_utc_by_the_one_reading_of_both_clocks():
    run = begun()
    assert run.utc_of(5 * SECOND) == START
    assert run.utc_of(7 * SECOND + 250_000) == START + timedelta(seconds=2, microseconds=250)
    assert run.utc_of(3 * SECOND) == START - timedelta(seconds=2)  # taken before the run, and read in it


def test_a_wall_clock_in_another_zone_is_told_in_utc():
    run = RunIdentity.begin(now_ns=ManualClock(), read_utc=lambda: START.astimezone(timezone(timedelta(hours=9))))
    assert run.utc_of(0).isoformat() == START.isoformat()


def test_cameras_of_a_run_share_its_id_and_runs_do_not():
    run = begun()
    assert run.of("left").id == run.of("right").id == str(uuid.UUID(run.id))
    assert (run.of("left").camera, run.of("left").utc_of(0)) == ("left", run.utc_of(0))
    assert begun().id != run.id


def test_outside_a_run_a_part_has_no_capture_time_in_utc(station):
    (one,) = station.load().inspect([station.frame(3)])
    assert (one.identity.run, one.identity.captured_utc) == (None, None)
    assert one.identity == PartIdentity(3, one.identity.captured_ns, one.part)


@pytest.fixture
def line(station, tmp_path):
    """A line whose camera tells when each picture was taken, the lost one too."""
    clock = ManualClock(5 * SECOND)
    torn = FrameLost("torn", captured_ns=7 * SECOND)
    wrong = Frame(4, 9 * SECOND, blank_frame(0).image[:, :, 0])  # not BGR
    camera = Scripted([blank_frame(0, 6 * SECOND), torn, blank_frame(3, 8 * SECOND), wrong], now_ns=clock)
    log, seen = LogSink(tmp_path, lambda: START), MemorySink()
    line = Pipeline(camera, station.load(), [seen], identity=begun("left"), journal=log, now_ns=clock)
    line.run()
    return line, seen.inspections, log.paths


def test_every_row_of_the_log_names_run_camera_and_capture_time(line):
    line, _, (table, lines) = line
    rows = [json.loads(row) for row in lines.read_text().splitlines()]
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["captured_utc"] for row in csv.DictReader(file)] == [row["captured_utc"] for row in rows]
    assert {(row["run"], row["camera"]) for row in rows} == {(line.identity.id, "left")}
    assert [row["captured_utc"] for row in rows] == [
        "2024-05-02T00:00:00.900000Z",
        "2024-05-02T00:00:01.900000Z",  # torn: the camera knew
        "2024-05-01T23:59:59.900000Z",  # skipped by the camera: when that was noticed
        "2024-05-02T00:00:02.900000Z",
        "2024-05-02T00:00:03.900000Z",
    ]
    assert {row["utc"] for row in rows} == {"2024-05-01T23:59:59.900Z"}  # the writer's own


def test_parts_that_the_same_inspector_judged_share_its_context(line):
    _, inspections, _ = line
    assert len({id(one.context) for one in inspections}) == 1
    assert [one.index for one in inspections] == list(range(5))
    assert re.fullmatch("[0-9a-f]{12}", inspections[0].context.model_hash)
