from __future__ import annotations

import contextlib
import csv
import ctypes
import ctypes.util
import dataclasses
import io
import itertools
import json
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.errors import SinkError
from inspector.images import read_image
from inspector.records import Cause, Counts, Inspection, InspectionContext, Judgement, Verdict
from inspector.sinks.log import LogSink
from inspector.sinks.log_row import COLUMNS
from inspector.sinks.mending import mend
from inspector.sinks.pictures import OverlayFolder, Pictures, fitted
from inspector.sinks.terminal import TerminalSink
from inspector.sinks.video import VideoWriter
from inspector.sinks.window import Window
from inspector.testing import inspection_of

JUDGED = [field.name for field in dataclasses.fields(Judgement)]
CONTEXT = [field.name for field in dataclasses.fields(InspectionContext)]
START = datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)
ROOT = Path(__file__).parent.parent
COUNTS = Counts(1, 0, 0)
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


SPELT_OUT = str.maketrans(
    {c: repr(c)[1:-1] for c in map(chr, range(0x3000)) if c.splitlines() == [""] or unicodedata.category(c) == "Cc"}
)


def utc_now() -> datetime:
    return START


def inspection(verdict: Verdict = Verdict.PASS, **fields: object) -> Inspection:
    judged, told = ({key: fields.pop(key) for key in names if key in fields} for names in (JUDGED, CONTEXT))
    usual = {"product": "bottle", "recipe_hash": "r", "model_hash": "m", "threshold": 2.1}
    context = InspectionContext(**(usual | told))
    judgement = Judgement(**({"score": math.nan} | judged))
    known = {"number": 3, "part": "good/003.png"}
    return inspection_of(verdict=verdict, context=context, judgement=judgement, **(known | fields))


def fail(**fields: object) -> Inspection:
    scores = np.array([[1.0, 0.5], [4.82, 3.0]], np.float32)
    judged = {"number": 12, "part": "broken/003.png", "score": 4.82, "patch_scores": scores, "latency_ms": 11.83}
    return inspection(Verdict.FAIL, **(judged | fields))


def missed(**fields: object) -> Inspection:
    return inspection(Verdict.MISSED, **({"part": "", "cause": Cause.OVERFLOW, "detail": "too fast"} | fields))


def picture_of(index: int, height: int = 90, width: int = 640) -> np.ndarray:
    return np.full((height, width, 3), 40 + index, np.uint8)


# ---- log


def rows_of(log: LogSink) -> tuple[list[dict[str, str]], list[dict[str, object]]]:
    table, lines = log.paths
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)), [json.loads(line) for line in lines.read_text("utf-8").splitlines()]


def logged(folder: Path, *inspections: Inspection) -> tuple[list[dict[str, str]], list[dict[str, object]]]:
    log = LogSink(folder, utc_now)
    for each in inspections:
        log.write(each, COUNTS)
    log.close()
    return rows_of(log)


def test_a_row_tells_everything(tmp_path):
    judged = dataclasses.replace(fail(percentile=209 / 210, good_parts=209), wait_ms=1.5, judge_ms=9.25)
    (row,), (line,) = logged(tmp_path, judged)
    assert line == {
        "utc": "2024-05-01T12:30:15.123Z",
        "product": "bottle",
        "recipe": "r",
        "model": "m",
        "frame": 12,
        "part": "broken/003.png",
        "verdict": "fail",
        "score": 4.82,
        "threshold": 2.1,
        "percentile": 0.9952,
        "worst_row": 1,
        "worst_col": 0,
        "anomalous_patches": 2,
        "latency_ms": 11.83,
        "cause": None,
        "detail": None,
        "run": None,
        "camera": None,
        "captured_utc": None,
        "captured_ns": None,
        "worst_x": None,
        "worst_y": None,
        "wait_ms": 1.5,
        "judge_ms": 9.25,
        "region": None,
    }
    assert row == {key: "" if value is None else str(value) for key, value in line.items()}


def test_what_is_missing_is_empty_in_csv_and_null_in_json(tmp_path):
    (row,), (line,) = logged(tmp_path, missed(threshold=math.inf))
    for key in (
        "score",
        "threshold",
        "percentile",
        "worst_row",
        "worst_col",
        "anomalous_patches",
        "latency_ms",
        "wait_ms",
    ):
        assert (row[key], line[key]) == ("", None)
    assert (row["cause"], line["detail"]) == ("overflow", "too fast")


@settings(deadline=None)  # disks take their time
@given(
    part=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    product=st.sampled_from(['a,"b', "x"]),
)
def test_every_part_name_comes_back(part, product):
    with tempfile.TemporaryDirectory() as folder:
        (row,), (line,) = logged(Path(folder), inspection(part=part, product=product))
    assert (line["part"], row["product"], line["product"]) == (part, product, product)
    assert row["part"] == ("'" if part.startswith(("=", "+", "-", "@")) else "") + part.translate(SPELT_OUT)


def test_a_row_is_one_line_whatever_the_part_is_called(tmp_path):
    log = LogSink(tmp_path, utc_now)
    log.write(inspection(part="a\r\nb\x85c\u2028d.png"), COUNTS)
    log.close()
    assert [len(path.read_text("utf-8").splitlines()) for path in log.paths] == [2, 1]
    assert rows_of(log)[0][0]["part"] == r"a\r\nb\x85c\u2028d.png"


@pytest.mark.parametrize(
    ("part", "cell"),
    [
        ("=HYPERLINK(x)", "'=HYPERLINK(x)"),
        ("+1.png", "'+1.png"),
        ("-1.png", "'-1.png"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", r"\t=1+1"),
        ("\x1b]0;x\x07\x00\x7f\x9b", r"\x1b]0;x\x07\x00\x7f\x9b"),
        ("a=b-c.png", "a=b-c.png"),
    ],
)
def test_a_cell_is_neither_computed_by_a_spreadsheet_nor_obeyed_by_a_terminal(tmp_path, part, cell):
    log = LogSink(tmp_path, utc_now)
    log.write(missed(part=part, detail=part), COUNTS)
    log.close()
    (row,), (exact,) = rows_of(log)
    assert (row["part"], row["detail"]) == (cell, cell)
    assert (exact["part"], exact["detail"]) == (part, part)


def test_a_file_name_that_is_no_text_still_makes_a_utf8_log(tmp_path):
    (row,), (line,) = logged(tmp_path, inspection(part="caf\udce9.png"))
    assert row["part"] == "caf\\udce9.png"
    assert line["part"] == "caf\udce9.png"


def test_times_are_written_in_utc(tmp_path):
    log = LogSink(tmp_path, lambda: START.astimezone(timezone(timedelta(hours=9))))
    log.write(inspection(), COUNTS)
    log.close()
    assert log.paths[0].name == "line-20240501T123015Z.csv"
    assert rows_of(log)[0][0]["utc"] == "2024-05-01T12:30:15.123Z"


def test_existing_logs_are_never_touched(tmp_path):
    old = [tmp_path / "line-20240501T123015Z.csv", tmp_path / "line-20240501T123015Z-2.jsonl"]
    for path in old:
        path.write_text("old")
    first, second = LogSink(tmp_path, utc_now), LogSink(tmp_path, utc_now)
    first.close()
    second.close()
    assert [path.name for path in first.paths + second.paths] == [
        f"line-20240501T123015Z-{number}.{suffix}" for number in (3, 4) for suffix in ("csv", "jsonl")
    ]
    assert [path.read_text() for path in old] == ["old", "old"]
    assert len(list(tmp_path.iterdir())) == 6


@POSIX
def test_a_log_that_is_deleted_while_it_is_written_is_an_error(tmp_path):
    for number in (0, 1):
        log = LogSink(tmp_path, utc_now)
        log.paths[number].unlink()
        with pytest.raises(SinkError, match=r"the log was deleted while it was written"):
            log.write(inspection(), COUNTS)
        log.close()


def test_a_folder_that_cannot_be_written_is_an_error_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "logs"):
        with pytest.raises(SinkError, match=r"file.*cannot write the log here") as caught:
            LogSink(folder, utc_now)
        assert "\n" not in str(caught.value)


def every_frame(folder: Path) -> list[int]:
    """The frames of all files of a folder, which begin with a head each and tell the same in pairs."""
    tables = sorted(folder.glob("*.csv"), key=lambda path: (path.stem[:21], len(path.stem), path.stem))
    frames = []
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [int(row["frame"]) for row in csv.DictReader(file)]
        lines = table.with_suffix(".jsonl").read_text("utf-8").splitlines()
        assert [json.loads(line)["frame"] for line in lines] == rows
        frames += rows
    return frames


def test_a_log_goes_on_in_new_files_with_each_day_and_each_size(tmp_path):
    days = [START, START, START + timedelta(days=1), START + timedelta(days=1), START + timedelta(days=1)]
    clock = iter([START, *days])
    log = LogSink(tmp_path, lambda: next(clock), largest=500)
    for index in range(5):
        log.write(inspection(number=index, part="x" * (400 if index == 3 else 1)), COUNTS)
    log.close()
    assert every_frame(tmp_path) == [0, 1, 2, 3, 4]
    assert sorted(path.stem for path in tmp_path.glob("*.csv")) == [
        "line-20240501T123015Z",
        "line-20240502T123015Z",
        "line-20240502T123015Z-2",
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_a_log_that_another_program_has_cut_goes_on_in_new_files_loudly(tmp_path, caplog, number):
    log = LogSink(tmp_path, utc_now)
    for index in range(3):
        log.write(inspection(number=index), COUNTS)
    cut_short(log.paths[number], 0)  # what logrotate's `copytruncate` does
    before = log.paths
    for index in range(3, 5):
        log.write(inspection(number=index), COUNTS)
    log.close()
    assert f"{before[0]}: another program has cut it: rows may be lost" in caplog.text
    assert log.paths[0] != before[0]
    assert [row["frame"] for row in rows_of(log)[0]] == ["3", "4"]


ENDLESS_LOG = """
import itertools, sys
from datetime import datetime, timezone
from pathlib import Path
from inspector.errors import SinkError
from inspector.records import Counts, Judgement
from inspector.sinks.log import LogSink
from inspector.testing import inspection_of

log = LogSink(Path(sys.argv[1]), lambda: datetime.now(timezone.utc))
if len(sys.argv) > 2:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    for index in itertools.count():
        part = 'a "quoted", name\\n' * (index % 250)  # rows that begin on one page and end on the next but one
        log.write(inspection_of(index, part=part, judgement=Judgement(0.5)), Counts())
        print(index, flush=True)
except SinkError as error:
    print(error, flush=True)
"""


def start_log(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ENDLESS_LOG, str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def whole_frames(table: Path, lines: Path) -> list[int]:
    """The frames in both files, every row of which is whole: the first so and so many."""
    assert table.read_bytes().endswith(b"\r\n")
    rows = list(csv.reader(table.read_text("utf-8").splitlines()))
    assert [len(row) for row in rows] == [len(COLUMNS)] * len(rows)
    frames = [json.loads(line)["frame"] for line in lines.read_text("utf-8").splitlines()]
    assert not frames or lines.read_bytes().endswith(b"\n")
    assert frames == [int(row[COLUMNS.index("frame")]) for row in rows[1:]] == list(range(len(rows) - 1))
    return frames


def check_complete(folder: Path) -> None:
    (table,), (lines,) = folder.glob("*.csv"), folder.glob("*.jsonl")
    whole_frames(table, lines)


@POSIX
@pytest.mark.parametrize("rows", [1, 30, 400])
def test_what_was_announced_before_a_kill_is_in_the_log_and_the_next_run_mends_the_rest(tmp_path, rows):
    with start_log(tmp_path) as process:
        assert process.stdout is not None
        announced = [int(process.stdout.readline()) for _ in range(rows)]
        process.send_signal(signal.SIGKILL)
        announced += [int(line) for line in process.stdout if line.endswith("\n")]
    (killed,) = tmp_path.glob("*.csv")
    LogSink(tmp_path, utc_now).close()
    frames = whole_frames(killed, killed.with_suffix(".jsonl"))
    assert frames[: len(announced)] == announced
    assert len(frames) - len(announced) in (0, 1)


@pytest.fixture
def killed(tmp_path) -> tuple[Path, Path]:
    """A log of three rows, of a run that has ended."""
    log = LogSink(tmp_path, utc_now)
    for index in range(3):
        log.write(inspection(number=index, part='a "b",\nc' * index), COUNTS)
    log.close()
    return log.paths


def cut_short(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


@POSIX
def test_wherever_a_kill_came_the_next_run_leaves_whole_rows_in_both_files(killed, tmp_path, caplog):
    table, lines = killed
    rows, objects = table.read_bytes(), lines.read_bytes()
    row, line = (len(text.splitlines(keepends=True)[-1]) for text in (rows, objects))
    moments = [(len(rows) - left, len(objects) - line) for left in range(row)]  # the table is written first
    moments += [(len(rows), len(objects) - left) for left in range(1, line + 1)]
    for of_table, of_lines in moments:
        table.write_bytes(rows[:of_table])
        lines.write_bytes(objects[:of_lines])
        caplog.clear()
        mend(tmp_path)
        assert whole_frames(table, lines) == [0, 1]
        assert table.read_bytes() == rows[:-row]
        assert f"{table}: cut off" in caplog.text or f"{lines}: cut off" in caplog.text


@POSIX
def test_a_kill_within_the_first_lines_leaves_empty_files(killed, tmp_path):
    table, lines = killed
    head = len(table.read_bytes().splitlines(keepends=True)[0])
    cut_short(lines, 0)
    for size, left in ((head + 5, head), (head, head), (head - 1, 0), (0, 0)):
        cut_short(table, size)
        LogSink(tmp_path, utc_now).close()
        assert (table.stat().st_size, lines.stat().st_size) == (left, 0)


def test_the_first_row_of_a_later_file_is_mended_too(tmp_path):
    clock = iter([START, START, START + timedelta(days=1)])
    log = LogSink(tmp_path, lambda: next(clock))
    log.write(inspection(number=0), COUNTS)
    log.write(inspection(number=1), COUNTS)
    log.close()
    table, lines = log.paths
    head = len(table.read_bytes().splitlines(keepends=True)[0])
    cut_short(lines, 0)
    mend(tmp_path)
    assert (table.stat().st_size, lines.stat().st_size) == (head, 0)


def test_files_that_differ_by_more_than_a_kill_can_explain_are_named_and_kept(killed, tmp_path, caplog):
    table, lines = killed
    cut_short(lines, len(lines.read_bytes().splitlines(keepends=True)[0]))
    before = table.read_bytes(), lines.read_bytes()
    mend(tmp_path)
    assert f"{table} ends with frame 2, {lines.name} with frame 0: was the power cut?" in caplog.text
    assert (table.read_bytes(), lines.read_bytes()) == before


def test_a_log_that_another_run_is_writing_is_not_mended(tmp_path):
    running = LogSink(tmp_path, utc_now)
    running.write(inspection(number=0), COUNTS)
    with running.paths[0].open("ab") as table:
        table.write(b"half a r")  # as another process sees it between two pages
    before = running.paths[0].read_bytes()
    LogSink(tmp_path, utc_now).close()
    assert running.paths[0].read_bytes() == before
    running.close()


def test_files_that_were_written_by_somebody_else_are_not_mended(killed, tmp_path):
    """A spreadsheet without the last line's end, a note of the same name, rows of another program."""
    table, lines = killed
    whole = table.read_bytes()
    for text in (whole[:-2], b"notes", whole + b"a,b,c\r\n", b'frame\r\n"\r\n', b"\xff\r\n\xff\r\n"):
        table.write_bytes(text)
        LogSink(tmp_path, utc_now).close()
        assert table.read_bytes() == text
    for text in (b"[]\n", b"17\n", b"\0\n"):
        lines.write_bytes(text)
        LogSink(tmp_path, utc_now).close()
        assert lines.read_bytes() == text


@POSIX
@pytest.mark.parametrize("limit", [30_000, 30_001, 65_537])
def test_a_file_that_may_not_grow_ends_the_run_with_complete_rows(tmp_path, limit):
    with start_log(tmp_path, str(limit)) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "cannot write the log" in output.splitlines()[-1]
    assert str(tmp_path) in output.splitlines()[-1]
    check_complete(tmp_path)


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    yield from mounted(tmp_path, "128k")


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    yield from mounted(tmp_path, "4m")


def mounted(tmp_path: Path, size: str) -> Iterator[Path]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a tiny disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_run_with_complete_rows(tiny_disk):
    with start_log(tiny_disk) as process:
        output = process.communicate(timeout=60)[0]
    message = output.splitlines()[-1]
    assert "cannot write the log" in message
    assert "free space" in message
    check_complete(tiny_disk)


# ---- terminal


def said(each: Inspection, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    sink = TerminalSink(stream)
    sink.write(each, COUNTS)
    sink.close()
    return stream.getvalue()


def test_a_line_tells_verdict_score_place_time_and_part():
    assert said(fail()) == (
        "    12  FAIL    score    4.820 / 2.100     worst patch 1,0       11.8 ms  broken/003.png\n"
    )


def test_a_score_just_above_the_threshold_is_seen_to_be_above_it():
    assert "score  0.92494 / 0.92487 " in said(fail(score=0.92494, threshold=0.92487))


def test_lines_are_aligned():
    judged = (
        said(fail(number=123456, score=1234.5, latency_ms=1.0)),
        said(inspection(score=0.001234, part="broken/003.png")),
    )
    assert judged[0].index("broken") == judged[1].index("broken")


def test_a_missed_part_tells_why():
    assert said(missed(part="7.png")) == "     3  MISSED  overflow: too fast  7.png\n"
    assert said(missed(detail="")) == "     3  MISSED  overflow\n"


def test_part_names_cannot_command_the_terminal():
    assert said(inspection(part="a\x1b[2J\nb.png")).endswith("a?[2J?b.png\n")


def test_part_names_that_the_stream_cannot_encode_are_replaced():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    TerminalSink(stream).write(inspection(part="é\udce9.png"), COUNTS)
    assert stream.buffer.getvalue().endswith(b"??.png\n")


def said_on_a_tty(each: Inspection) -> str:
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as reader, os.fdopen(follower, "w") as stream:
        TerminalSink(stream).write(each, COUNTS)
        return reader.read(1000).decode()


@POSIX
def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = [said_on_a_tty(each) for each in (inspection(), fail(), missed())]
    for line, code in zip(coloured, ("\x1b[32mPASS", "\x1b[1;31mFAIL", "\x1b[1;33mMISSED"), strict=True):
        assert code in line
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in said_on_a_tty(fail())


VERDICTS_INTO_A_PIPE = """
import sys
from inspector.records import Counts, Judgement
from inspector.sinks.terminal import TerminalSink
from inspector.testing import inspection_of

sink = TerminalSink(sys.stdout)
for index in range(20_000):
    sink.write(inspection_of(index, part="x.png"), Counts())
sink.close()
print("the run went on to its end", file=sys.stderr)
"""


@POSIX
def test_a_reader_that_goes_away_does_not_end_the_run():
    command = [sys.executable, "-c", VERDICTS_INTO_A_PIPE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "PASS" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "the run went on to its end\n"
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_into_a_full_disk_is_an_error():
    with (
        contextlib.suppress(OSError),  # closing it fails once more
        open("/dev/full", "w") as stream,
        pytest.raises(SinkError, match="cannot write verdicts"),
    ):
        TerminalSink(stream).write(inspection(), COUNTS)


# ---- pictures


class Wall:
    """Wants some verdicts and keeps what it is shown."""

    def __init__(self, *wanted: Verdict, error: SinkError | None = None) -> None:
        self._wanted = wanted
        self._error = error
        self.pictures: list[np.ndarray] = []
        self.closed = False

    def wants(self, inspection: Inspection) -> bool:
        return inspection.verdict in self._wanted

    def show(self, inspection: Inspection, picture: np.ndarray) -> None:
        self.pictures.append(picture)

    def close(self) -> None:
        self.closed = True
        if self._error:
            raise self._error


def test_one_drawing_goes_to_all_who_want_it():
    left, right, idle = Wall(Verdict.FAIL), Wall(Verdict.FAIL, Verdict.PASS), Wall()
    pictures = Pictures([left, right, idle])
    pictures.write(inspection(image=picture_of(0)), COUNTS)
    pictures.write(fail(image=picture_of(1)), COUNTS)
    assert [len(wall.pictures) for wall in (left, right, idle)] == [1, 2, 0]
    assert left.pictures[0] is right.pictures[1]


def test_every_consumer_is_closed_also_after_an_error():
    walls = [Wall(error=SinkError("disk full")), Wall()]
    with pytest.raises(SinkError, match="disk full"):
        Pictures(walls).close()
    assert all(wall.closed for wall in walls)


class Broken(Wall):
    """Takes some pictures, then no more."""

    def __init__(self, takes: int) -> None:
        super().__init__(*Verdict)
        self._takes = takes

    def show(self, inspection: Inspection, picture: np.ndarray) -> None:
        if len(self.pictures) == self._takes:
            raise SinkError("the disk is full")
        super().show(inspection, picture)


def test_who_cannot_take_a_picture_gets_no_more_and_the_others_go_on(caplog):
    broken, sound = Broken(2), Wall(*Verdict)
    pictures = Pictures([broken, sound])
    for index in range(5):
        pictures.write(inspection(number=index, image=picture_of(index)), COUNTS)
    assert caplog.text.count("the disk is full; no more pictures go there, the line goes on") == 1
    assert broken.closed
    with pytest.raises(SinkError, match="the disk is full; 3 pictures are missing, the log has every verdict"):
        pictures.close()
    assert (len(broken.pictures), len(sound.pictures), sound.closed) == (2, 5, True)


def saved(folder: Path, inspections: list[Inspection], keep_pass_every: int = 0) -> list[str]:
    pictures = Pictures([OverlayFolder(folder, keep_pass_every)])
    for each in inspections:
        pictures.write(each, COUNTS)
    pictures.close()
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_keeps_rejects_that_can_be_seen(tmp_path):
    passes = [inspection(number=i, image=picture_of(i)) for i in range(3)]
    seen = missed(number=4, part="x.png", image=picture_of(4))
    names = saved(tmp_path, [*passes, fail(number=3, image=picture_of(3)), seen, missed(number=5)])
    assert names == ["frame-00000003-fail-broken_003.jpg", "frame-00000004-missed-x.jpg"]
    assert read_image(tmp_path / names[0]).shape[1] >= 640


@pytest.mark.parametrize(("every", "kept"), [(0, []), (1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (5, [0])])
def test_the_folder_keeps_one_pass_in_n(tmp_path, every, kept):
    names = saved(tmp_path, [inspection(number=i, part="", image=picture_of(i)) for i in range(5)], every)
    assert names == [f"frame-{i:08d}-pass.jpg" for i in kept]


def test_a_pass_without_its_image_is_not_the_one_that_is_kept(tmp_path):
    names = saved(tmp_path, [inspection(number=i, part="", image=picture_of(i) if i else None) for i in range(5)], 3)
    assert names == ["frame-00000001-pass.jpg", "frame-00000004-pass.jpg"]


def test_saved_pictures_are_never_overwritten(tmp_path):
    saved(tmp_path, [fail(image=picture_of(1))])
    first = (tmp_path / "frame-00000012-fail-broken_003.jpg").read_bytes()
    names = saved(tmp_path, [fail(image=picture_of(100)), fail(image=picture_of(100))])
    assert names == [f"frame-00000012-fail-broken_003{suffix}.jpg" for suffix in ("-2", "-3", "")]
    assert (tmp_path / "frame-00000012-fail-broken_003.jpg").read_bytes() == first


@settings(deadline=None)  # disks take their time
@given(st.one_of(st.text(), st.sampled_from(["..", "/", ".", "../../etc/x.png", "C:\\a\\b.bmp", "part " + "Ä" * 400])))
def test_every_part_gives_a_name_that_any_system_takes(part):
    with tempfile.TemporaryDirectory() as folder:
        (name,) = saved(Path(folder) / "inner", [fail(part=part, image=picture_of(0))])
        assert len(list(Path(folder).iterdir())) == 1
    assert name.startswith("frame-00000012-fail")
    assert name.endswith(".jpg")
    assert not set(name) & set('<>:"/\\|?*\n\r\t\0')
    assert len(name.encode()) <= 255


@pytest.mark.parametrize("make", [lambda path: OverlayFolder(path, 0), lambda path: VideoWriter(path / "a.mp4", 5)])
def test_a_folder_that_cannot_be_made_is_an_error_at_once(tmp_path, make):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"file.*cannot write there") as caught:
        make(tmp_path / "file")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "wanted"), [((900, 900), (900, 900)), ((2000, 4000), (640, 1280)), ((4000, 10), (960, 2))]
)
def test_fitted_pictures_keep_their_shape(size, wanted):
    assert fitted(np.zeros((*size, 3), np.uint8), 1280, 960).shape[:2] == wanted


# ---- video


def frames_of(path: Path) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    frames = []
    while True:
        more, frame = video.read()
        if not more:
            return frames
        frames.append(frame)


@pytest.mark.parametrize("name", ["run.mp4", "run.avi", "new/folder/RUN.MP4"])
def test_a_video_plays_every_picture(tmp_path, name):
    video = VideoWriter(tmp_path / name, fps=12.5)
    for index in range(7):
        video.show(inspection(), picture_of(index * 20, 101, 151))
    video.close()
    frames = frames_of(video.path)
    assert [frame.shape for frame in frames] == [(102, 152, 3)] * 7
    assert [int(frame[50, 75, 0]) for frame in frames] == pytest.approx([40 + index * 20 for index in range(7)], abs=8)
    assert cv2.VideoCapture(str(video.path)).get(cv2.CAP_PROP_FPS) == pytest.approx(12.5)


def test_pictures_of_another_size_are_fitted_undistorted(tmp_path):
    video = VideoWriter(tmp_path / "run.avi", fps=5)
    for height, width in ((200, 400), (400, 400), (100, 100), (10, 4000)):
        video.show(inspection(), np.full((height, width, 3), 255, np.uint8))
    video.close()
    lit = [(frame[..., 1] > 128) for frame in frames_of(video.path)]
    sizes = [(int(mask.any(axis=1).sum()), int(mask.any(axis=0).sum())) for mask in lit]
    assert sizes == [(200, 400), (200, 200), (100, 100), (1, 400)]


def test_a_video_waits_for_the_first_real_picture(tmp_path):
    video = VideoWriter(tmp_path / "run.mp4", fps=5)
    assert not video.wants(missed())
    assert video.wants(inspection(image=picture_of(0)))
    video.show(inspection(), picture_of(0))
    assert video.wants(missed())
    video.close()


def test_an_existing_video_is_kept(tmp_path):
    (tmp_path / "run.mp4").write_text("old")
    video = VideoWriter(tmp_path / "run.mp4", fps=5)
    video.show(inspection(), picture_of(0))
    video.close()
    assert video.path.name == "run-2.mp4"
    assert (tmp_path / "run.mp4").read_text() == "old"


def test_a_run_without_pictures_leaves_no_video(tmp_path):
    VideoWriter(tmp_path / "run.mp4", fps=5).close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "fps"), [("run.webm", 5), ("run", 5), ("run.mp4", 0), ("run.mp4", math.nan)])
def test_a_video_that_cannot_be_written_is_an_error_at_once(tmp_path, name, fps):
    with pytest.raises(SinkError, match=name):
        VideoWriter(tmp_path / name, fps)


def show_noise(video: VideoWriter, shown: list[int]) -> None:
    """Without end; `shown` gets what was taken."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    for index in itertools.count():
        video.show(inspection(), np.roll(noise, index))
        shown.append(index)


@pytest.mark.parametrize("name", ["run.mp4", "run.avi"])
def test_a_video_ends_before_its_disk_does_and_can_be_played(small_disk, name):
    video, shown = VideoWriter(small_disk / name, fps=5), []
    with pytest.raises(SinkError, match="its disk is nearly full: the video ends after"):
        show_noise(video, shown)
    video.close()
    capture = cv2.VideoCapture(str(small_disk / name))
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == len(shown) > 0
    capture.release()


def test_where_others_fill_the_disk_no_picture_is_written_to_it(small_disk):
    video = VideoWriter(small_disk / "run.mp4", fps=5)
    video.show(inspection(), picture_of(0))
    (small_disk / "other").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(SinkError, match="the video ends after 1 frames"):
        video.show(inspection(), picture_of(1))
    with contextlib.suppress(SinkError):  # the frame before may have had no room either
        video.close()


# ---- window


def test_without_a_display_a_window_is_an_error_at_once(monkeypatch):
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SinkError, match=r"no display|no windows"):
        Window("line")


def test_a_display_that_does_not_answer_is_an_error_and_not_the_end_of_the_process(monkeypatch):
    if not sys.platform.startswith("linux"):
        pytest.skip("other systems always have a display")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":9999")
    with pytest.raises(SinkError, match=r"display :9999|no windows"):
        Window("line")


WINDOW = """
import sys
import numpy as np
from inspector.sinks.window import Window, WindowRequest
from inspector.testing import inspection_of

done = []
window = Window("line")
one = inspection_of(part="x.png")
while not done:
    window.show(one, np.full((2000, 4000, 3), 200, np.uint8))
    request = window.poll()
    if request is WindowRequest.QUIT:
        done.append("quit")
    elif request is WindowRequest.NEXT_PRODUCT:
        print("next", flush=True)
print("quit", done, window.wants(one), flush=True)
window.show(one, np.zeros((100, 100, 3), np.uint8))
window.close()
"""


@pytest.fixture
def display(monkeypatch) -> Iterator[str]:
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("needs Xvfb and xdotool")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        name = f":{server.stdout.readline().strip()}"
        monkeypatch.setenv("DISPLAY", name)
        try:
            yield name
        finally:
            server.terminate()


def xdotool(*arguments: str) -> str:
    return subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False, timeout=60).stdout


def close_like_a_window_manager(display: str, window: int) -> None:
    """Send what a click on the window's cross sends."""
    library = ctypes.util.find_library("X11")
    if library is None:
        pytest.skip("needs libX11")
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype, x11.XInternAtom.restype = ctypes.c_void_p, ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    protocols, delete = (x11.XInternAtom(server, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    client_message = 33
    event = (ctypes.c_long * 24)(client_message, 0, 1, 0, window, protocols, 32, delete)
    x11.XSendEvent(server, ctypes.c_ulong(window), 0, ctypes.c_long(0), event)
    x11.XCloseDisplay(server)


@pytest.fixture
def window(display) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program that shows pictures until it is asked to quit, and its window's id."""
    with subprocess.Popen([sys.executable, "-c", WINDOW], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process, xdotool("search", "--sync", "--onlyvisible", "--name", "^line$").split()[-1]
        finally:
            process.kill()


def repeat_until_output(process: subprocess.Popen[str], action: Callable[[], object]) -> str:
    """A key may come before the window listens, so press it again until the program says something."""
    assert process.stdout is not None
    for _ in range(300):
        if select.select([process.stdout], [], [], 0.2)[0]:
            return process.stdout.readline()
        action()
    pytest.fail("the program with the window says nothing")


def test_p_asks_for_the_next_product(window):
    process, number = window
    assert repeat_until_output(process, lambda: xdotool("windowfocus", number, "key", "p")) == "next\n"


def size_of(number: str) -> list[int]:
    found = re.findall(r"(?:WIDTH|HEIGHT)=(\d+)", xdotool("getwindowgeometry", "--shell", number))
    return [int(size) for size in found]


def test_large_pictures_are_fitted_into_the_window(window):
    wanted = pytest.approx([1280, 640], abs=10)
    assert any(size_of(window[1]) == wanted for _ in range(200))  # a window is there before its first picture


@pytest.mark.parametrize("way", ["q", "Escape", "the cross"])
def test_the_window_is_left_by_key_or_cross(display, window, way):
    process, number = window

    def leave() -> None:
        if way == "the cross":
            close_like_a_window_manager(display, int(number))
        else:
            xdotool("windowfocus", number, "key", way)

    assert repeat_until_output(process, leave) == "quit ['quit'] False\n"
    assert process.wait(timeout=60) == 0
