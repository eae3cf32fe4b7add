"""Real parts through the whole line: every frame gets its verdict, and everything about it is kept."""

import csv
import json
from collections import Counter

import cv2
import pytest

from inspector.cameras.source import open_source
from inspector.images import find_images
from inspector.pipeline import Pipeline
from inspector.records import Verdict
from inspector.testing import MemorySink

BELT_FRAMES = 37


def logs(folder):
    """Rows of the only run, as its CSV and its JSONL tell them."""
    (table,), (lines,) = folder.glob("*.csv"), folder.glob("*.jsonl")
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows, [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]


def test_a_replay_of_all_test_bottles_gives_each_its_verdict(bottle, evaluated_bottles):
    """The same verdicts as one bottle at a time: threads and batches change nothing."""
    source, memory = bottle.data / "test", MemorySink()
    inspector = bottle.load()
    summary = Pipeline(open_source(str(source), None, False), inspector, [memory]).run()
    counts = summary.counts
    assert len(memory.inspections) == counts.captured == 83
    assert counts.passed + counts.failed + counts.missed == counts.captured
    assert counts.missed == 0
    assert [one.index for one in memory.inspections] == list(range(83))
    assert [one.part for one in memory.inspections] == [p.relative_to(source).as_posix() for p in find_images(source)]
    alone = {one["name"]: one for one in evaluated_bottles["per_image"]}
    for one in memory.inspections:
        assert one.verdict.value == alone[one.part]["verdict"]
        assert one.score == pytest.approx(alone[one.part]["score"], rel=1e-3)


def test_a_run_writes_one_row_for_each_bottle_and_a_picture_of_each_reject(bottle, tmp_path):
    said = bottle.call(
        *("run", "--source", bottle.data / "test", "--log-dir", tmp_path / "logs"),
        *("--save-overlays", tmp_path / "overlays", "--keep-pass-every", "0"),
    )
    rows, lines = logs(tmp_path / "logs")
    assert len(rows) == len(lines) == 83
    assert [(row["part"], row["verdict"]) for row in rows] == [(line["part"], line["verdict"]) for line in lines]
    counts = Counter(Verdict(row["verdict"]) for row in rows)
    told = f"captured 83  pass {counts[Verdict.PASS]}  fail {counts[Verdict.FAIL]}  missed {counts[Verdict.MISSED]}"
    assert told in said
    assert len(find_images(tmp_path / "overlays")) == 83 - counts[Verdict.PASS]


def test_every_frame_of_a_film_of_a_belt_has_a_row_and_a_place_in_the_recording(real, leather, tmp_path):
    film = real("video/bolts-on-belt.gif")
    video = tmp_path / "belt.avi"
    leather.call("run", "--source", film, "--log-dir", tmp_path / "logs", "--save-video", video)
    rows, lines = logs(tmp_path / "logs")
    assert [int(row["frame"]) for row in rows] == [line["frame"] for line in lines] == list(range(BELT_FRAMES))
    assert all(Verdict(row["verdict"]).reject or float(row["score"]) <= float(row["threshold"]) for row in rows)
    assert frames_in(video) == BELT_FRAMES


def frames_in(video):
    """Counted by reading them all; each must be a picture."""
    capture = cv2.VideoCapture(str(video))
    count = 0
    while True:
        read, picture = capture.read()
        if not read:
            break
        assert picture.std() > 1
        count += 1
    capture.release()
    return count
