"""Logs that are too old or too much go, and no row of one that stays."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import pytest
from labelled import fill
from test_sinks import COUNTS, every_frame, inspection
from verb import verb

from inspector.sinks.log import LogSink
from inspector.sinks.old_logs import DAY_S, OldLogs
from inspector.station import LogSettings

DOCS = Path(__file__).parent.parent / "docs" / "log.md"
NO_LOCKS = sys.platform == "win32"


def old_log(folder, days_ago, rows=3, suffix=""):
    """A log of a run that ended so many days ago; returns its files."""
    then = datetime.now(timezone.utc) - timedelta(days=days_ago)
    log = LogSink(folder, lambda: then)
    for index in range(rows):
        log.write(inspection(number=index), COUNTS)
    log.close()
    for path in log.paths:
        os.utime(path, (then.timestamp(), then.timestamp()))
    return log.paths


def ticking():
    """A time for each part, a second apart."""
    return (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=second) for second in count())


def with_a_part(folder, limits, now_s=time.time):
    """Write the first part of a run into a folder of logs; returns the log, open."""
    log = LogSink(folder, lambda: datetime.now(timezone.utc))
    log.write(inspection(number=0), COUNTS)
    OldLogs(log, limits, now_s).write(inspection(number=0), COUNTS)
    return log


def left(folder):
    return {path.stem for path in folder.iterdir()}


def test_logs_go_when_they_are_too_old_and_others_stay(tmp_path, caplog):
    caplog.set_level("INFO")
    logs = {days: old_log(tmp_path, days) for days in (740, 735, 700, 1)}
    (tmp_path / "console.txt").write_text("not a log")
    (tmp_path / "line-notes.csv").write_text("nor this")
    os.utime(tmp_path / "line-notes.csv", (0, 0))
    log = with_a_part(tmp_path, LogSettings(days=730, gb=0))
    log.close()
    stay = {logs[700][0].stem, logs[1][0].stem, log.paths[0].stem}
    assert left(tmp_path) == {*stay, "console", "line-notes"}
    assert f"removed 2 logs, {logs[740][0].stem} to {logs[735][0].stem}" in caplog.text


def test_without_limits_all_stay(tmp_path):
    old_log(tmp_path, 5000)
    with_a_part(tmp_path, LogSettings(days=0, gb=0)).close()
    assert len(left(tmp_path)) == 2


def test_what_is_too_much_goes_oldest_first_and_rows_are_neither_torn_nor_lost(tmp_path):
    """A line that is so fast that a log has a few parts only."""
    clock = ticking()
    log = LogSink(tmp_path, lambda: next(clock), largest=2000)
    old = OldLogs(log, LogSettings(days=0, gb=30e-6))
    for index in range(500):
        log.write(inspection(number=index, part='a "b",\nc' * (index % 7)), COUNTS)
        old.write(inspection(number=index), COUNTS)
    log.close()
    old.close()
    frames = every_frame(tmp_path)
    assert frames == list(range(500 - len(frames), 500))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 15_000 < size < 30_000 + 10_000  # the log that is being written is not counted until it goes on


@pytest.mark.skipif(NO_LOCKS, reason="Windows does not remove a file that is open")
def test_a_log_that_another_run_writes_stays(tmp_path):
    then = datetime(2020, 1, 1, tzinfo=timezone.utc)
    other = LogSink(tmp_path, lambda: then)
    other.write(inspection(number=0), COUNTS)
    for path in other.paths:
        os.utime(path, (0, 0))
    with_a_part(tmp_path, LogSettings(days=1, gb=1e-9)).close()
    other.write(inspection(number=1), COUNTS)
    other.close()
    assert other.paths[0].stem in left(tmp_path)
    with_a_part(tmp_path, LogSettings(days=1, gb=0), lambda: time.time() + 10 * DAY_S).close()
    assert other.paths[0].stem not in left(tmp_path)


def test_a_file_that_was_left_alone_by_its_pair_goes_too(tmp_path):
    table, lines = old_log(tmp_path, 800)
    lines.unlink()
    with_a_part(tmp_path, LogSettings()).close()
    assert table.stem not in left(tmp_path)


def replayed(station, folder):
    """Run alpha over three parts, as a user does; returns what was said."""
    fill(folder, parts=[40, 60, 200])
    code, said = verb(
        *("run", "--product", "alpha", "--source", folder / "test" / "parts", "--log-dir", folder / "logs"),
        *("--model-dir", station.models, "--config-dir", station.config),
    )
    assert code == 0, said
    return said


def test_the_station_says_how_long_logs_stay(station, tmp_path):
    old, young = old_log(tmp_path / "logs", 40), old_log(tmp_path / "logs", 20)
    replayed(station, tmp_path)
    assert old[0].is_file()
    (station.config / "station.yaml").write_text("log: {days: 30}\n")
    replayed(station, tmp_path)
    assert not old[0].exists()
    assert young[0].is_file()
    (station.config / "station.yaml").write_text("log: {gb: 0.0000001}\n")
    replayed(station, tmp_path)
    assert len(left(tmp_path / "logs")) == 1


@pytest.mark.parametrize("wrong", ["{days: -1}", "{gb: -0.1}", "{weeks: 3}"])
def test_a_limit_that_makes_no_sense_is_refused(station, tmp_path, wrong):
    (station.config / "station.yaml").write_text(f"log: {wrong}\n")
    fill(tmp_path, parts=[40])
    code, said = verb(
        *("run", "--product", "alpha", "--source", tmp_path / "test", "--log-dir", tmp_path / "logs"),
        *("--model-dir", station.models, "--config-dir", station.config),
    )
    assert code == 2
    assert "station.yaml" in said
    assert not (tmp_path / "logs").exists()


def of_the_docs(language):
    """The piece of a program in the documentation."""
    return re.search(rf"^```{language}\n(.*?)^```", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def several_files(tmp_path, monkeypatch):
    """Logs of 20 parts, in several files below logs/."""
    clock = ticking()
    log = LogSink(tmp_path / "logs", lambda: next(clock), largest=400)
    for index in range(20):
        log.write(inspection(number=index, part=f"{index}.png"), COUNTS)
    log.close()
    assert len(list((tmp_path / "logs").glob("*.csv"))) > 5
    monkeypatch.chdir(tmp_path)


def test_the_documented_program_reads_several_files(several_files):
    names: dict = {}
    exec(of_the_docs("python"), names)
    assert [row["part"] for row in names["rows"]] == [f"{index}.png" for index in range(20)]


@pytest.mark.skipif(shutil.which("awk") is None, reason="needs awk")
def test_the_documented_commands_read_several_files(several_files):
    def lines(command):
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.splitlines()

    assert sorted(int(row["frame"]) for row in csv.DictReader(lines(of_the_docs("sh")))) == list(range(20))
    assert sorted(json.loads(line)["frame"] for line in lines("cat logs/line-*.jsonl")) == list(range(20))
