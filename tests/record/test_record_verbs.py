"""What people ask of the record on the command line: report, rejudge, feedback."""

import contextlib
import csv
import io
import re
import shutil
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np
import pytest
from product import VERBS, Product
from recorded import T0, part, run_row

from inspector import cli
from inspector.errors import DataError
from inspector.identity import RunIdentity
from inspector.pipeline import Pipeline
from inspector.record import periods
from inspector.record.archive import ArchiveSettings
from inspector.record.composition import recording
from inspector.record.opening import open_store
from inspector.record.rows import AlarmRow, Label, PartFilter, ThresholdRow
from inspector.records import Counts, Frame, Verdict
from inspector.sinks.log import LogSink
from inspector.station import RecordSettings
from inspector.testing import FakeCamera

BRIGHTNESSES = [40, 200, 60, 210, 110, 254]  # of alpha's parts: pass, fail, pass, fail, pass (4.3 of 5), missed
RUN = RunIdentity("0123456789abcdef", "", T0, 0)


class Recorded(Product):
    """A product, the record of a run of six parts, and their pictures."""

    @property
    def place(self):
        return ["--record", self.home / "record.db", "--archive", self.home / "archive"]

    @property
    def store(self):
        return open_store(str(self.home / "record.db"))


@pytest.fixture
def recorded(station, tmp_path):
    found = Recorded("alpha", station.config.parent, tmp_path / "data")
    inspector = station.load()
    settings = ArchiveSettings(tmp_path / "archive", keep_pass_every=1, free_bytes=0, days=100_000)
    keeping = RecordSettings(pass_days=0, reject_days=0)  # the parts are old
    sink = recording(str(tmp_path / "record.db"), RUN, tmp_path / "logs", lambda: inspector, settings, keeping)
    frames = [
        Frame(n, n * 1_000_000_000, np.full((48, 64, 3), brightness, np.uint8), part=f"<part>{n}")
        for n, brightness in enumerate(BRIGHTNESSES)
    ]
    journal = LogSink(tmp_path / "logs", lambda: T0)
    Pipeline(FakeCamera(frames, live=False), inspector, [sink], identity=RUN, journal=journal).run()
    return found


def call(recorded, verb, *options):
    if verb == "report":
        return reported(0, *recorded.place, *options)[0]
    return recorded.call(verb, *recorded.place, *options)


def reported(code, *options):
    """`report`, which is not about one product's model; returns what it printed, and its complaint."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        assert cli.main(VERBS, ["report", *map(str, options)]) == code
    return out.getvalue(), err.getvalue()


WHEN = ("--from", "2026-02-28", "--to", "2026-03-03")


def test_the_report_says_what_happened_and_holds_the_rejects_pictures(recorded, tmp_path):
    with recorded.store as store:
        store.change_threshold(ThresholdRow("alpha", 5.0, 4.0, "<ann>", T0, "a" * 12))
        store.raise_alarm(AlarmRow(T0, "", "drift", "drift: brightness 120 -> 90"))
        rejected = store.parts(PartFilter(verdicts=(Verdict.FAIL, Verdict.MISSED)))
        store.judge([rejected[0].row.key], Label.REALLY_BAD, "bob", T0)
        store.judge([rejected[1].row.key], Label.ACTUALLY_GOOD, "bob", T0)
        store.judge([store.parts(PartFilter(verdicts=(Verdict.PASS,)))[0].row.key], Label.REALLY_BAD, "bob", T0)
    page, table = tmp_path / "shift.html", tmp_path / "shift.csv"
    said = call(recorded, "report", *WHEN, "--html", page, "--csv", table)
    assert "6 parts, 3 passed (50.0%), 2 failed, 1 missed" in said
    assert "missed: model 1" in said
    assert "judged by people: 2 rejects, of them 1 false; 1 passed parts, of them 1 bad" in said
    html = page.read_text()
    for words in ("<b>6</b>parts", "<b>50.0%</b>yield", "&lt;ann&gt;", "&lt;part&gt;1", "brightness 120 -&gt; 90"):
        assert words in html, words
    assert "<part>" not in html
    assert html.count("data:image/jpeg;base64,") == 4  # two failed, one missed, and a good one under the worst places
    assert "bob: really bad" in html
    assert "false rejects: 1, 50% of those judged" in html
    assert "Pictures were kept of 3 of them" in html
    assert not re.search(r'(src|href)="(?!data:)', html)  # needs no other file
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["pass", "fail", "pass", "fail", "pass", "missed"]
    assert all(row["image_path"] for row in rows)


def test_a_long_time_is_told_by_day_and_each_product_and_camera_by_itself(tmp_path):
    with open_store(str(tmp_path / "record.db")) as store:
        store.begin_run(run_row())
        days = (0, 0, 0, 1, 1)
        noon = datetime(2026, 3, 1, 12).astimezone()  # of this machine
        for number, (day, camera) in enumerate(zip(days, "aabab", strict=True)):
            utc = noon + timedelta(days=day, hours=number)
            store.write([part(number, captured_utc=utc.astimezone(timezone.utc), camera=camera)])
    place = ["--record", tmp_path / "record.db", "--html", tmp_path / "page.html"]
    reported(0, *place, "--from", "2026-03-01", "--to", "2026-03-09")
    html = re.sub(r"<[^>]*>", " ", (tmp_path / "page.html").read_text())
    words = " ".join(html.split())
    assert "By day" in words
    assert "2026-03-01 3 0 0 100.0%" in words
    assert "2026-03-02 2 0 0 100.0%" in words
    assert "alpha a 3 0 0 100.0% alpha b 2 0 0 100.0%" in words
    assert "Nobody has judged a part" in words
    reported(0, *place, "--from", "2026-03-01", "--to", "2026-03-02")
    assert "2026-03-01 12:00" in (tmp_path / "page.html").read_text()


def test_a_report_of_a_time_without_parts(recorded, tmp_path):
    said = call(recorded, "report", "--day", "2020-01-01", "--html", tmp_path / "day.html")
    assert "0 parts, 0 passed (-)" in said
    assert "No part was captured in this time." in (tmp_path / "day.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("report", "--record", "none.db", "--day"), "none.db: there is no such record"),
        (("report", "--from", "tomorrow"), "tomorrow: wants a time like 2026-03-01"),
        (("report", "--from", "2026-03-02", "--to", "2026-03-01"), "wants a time before --to"),
        (("report", "--shift", "--shifts", "6,25"), "wants hours from 0 to 23"),
        (("report", "--day", "--html", "/proc/none/x.html"), "/proc/none/x.html: cannot be written"),
        (("rejudge", "--record", "none.db"), "none.db: there is no such record"),
        (("rejudge", "--day", "2020-01-01"), "no part of alpha is archived for this time"),
        (("rejudge", "--model", "none.onnx"), "none.onnx"),
        (("feedback", "--data", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(recorded, options, said):
    verb, *rest = options
    place = recorded.place if "--record" not in rest else []
    if verb == "report":
        complaint = reported(2, *place, *rest)[1]
        assert len(complaint.splitlines()) == 1
    else:
        complaint = recorded.refused(verb, *place, *rest)
    assert said in complaint


def test_the_shift_is_that_of_the_clock_on_the_wall():
    def at(hour, minute=0, day=5):
        return datetime(2026, 3, day, hour, minute).astimezone()

    for now, ago, since, until in [
        (at(6), 0, at(6), at(14)),
        (at(5, 59), 0, at(22, day=4), at(6)),
        (at(23), 0, at(22), at(6, day=6)),
        (at(23), 1, at(14), at(22)),
        (at(7), 3, at(6, day=4), at(14, day=4)),
    ]:
        assert periods.shift(now, ago) == periods.Period(since, until)
    assert periods.shift(at(3), 0, [8]) == periods.Period(at(8, day=4), at(8))
    assert periods.day(at(9).date()) == periods.Period(at(0), at(0, day=6))
    with pytest.raises(DataError):
        periods.shift(at(3), 0, [])


def test_judged_again_as_they_were_no_part_changes_sides(recorded):
    assert "0 of 6 parts change sides" in call(recorded, "rejudge")


@pytest.mark.parametrize("workers", [1, 2])
def test_under_another_threshold_the_parts_in_between_change_sides(recorded, workers):
    said = call(recorded, "rejudge", "--threshold", 2, "--workers", workers, "--efficiency", *WHEN)
    lines = said.splitlines()
    changed = [line for line in lines if " -> " in line and "Z " in line]
    assert [line.split("Z ")[1].split(":")[0] for line in changed] == ["<part>2", "<part>4"]
    assert "pass (4.314) -> fail (4.314)" in changed[1]
    assert lines[-2:] == ["pass -> fail: 2", "2 of 6 parts change sides"]
    assert ("efficiency 100%" in said) == (workers == 2)
    assert f"{workers} worker" in said


def test_under_another_model_its_own_threshold_counts(recorded, station):
    station.alter(threshold=9.0)  # another model of the same product
    other = shutil.copy(station.model(), recorded.home / "new.onnx")
    station.alter(threshold=5.0)
    assert "fail -> pass: 2" in call(recorded, "rejudge", "--model", other)


def test_pictures_that_are_gone_are_left_out(recorded):
    with recorded.store as store:
        gone = store.parts(PartFilter(verdicts=(Verdict.FAIL,)), limit=1)[0]
    (recorded.home / "archive" / gone.row.image_path).unlink()
    said = call(recorded, "rejudge")
    assert "1 parts are left out: the archive no longer has their pictures" in said
    assert "0 of 5 parts change sides" in said
    shutil.rmtree(recorded.home / "archive")
    assert "6 were, and their pictures are gone" in recorded.refused("rejudge", *recorded.place)


@pytest.mark.slow
def test_on_ray_the_same_comes_out(recorded):
    pytest.importorskip("ray")
    here = call(recorded, "rejudge", "--threshold", 2)
    there = call(recorded, "rejudge", "--threshold", 2, "--workers", "ray:2", "--efficiency")
    assert here.splitlines()[1:] == there.splitlines()[2:]


def images_in(folder):
    return sorted(folder.glob("feedback-*.png"))


@pytest.fixture
def judged(recorded):
    """A person says that the brightest was good, the darkest bad, and of the third first this, then that."""
    keys = {}
    with recorded.store as store:
        for found in store.each():
            keys[found.row.number] = found.row.key
        store.judge([keys[3]], Label.ACTUALLY_GOOD, "ann", T0)
        store.judge([keys[0], keys[2]], Label.REALLY_BAD, "ann", T0)
    (recorded.data / "train" / "good").mkdir(parents=True)
    return recorded, keys


def test_what_people_said_joins_the_good_set_or_the_test_set(judged):
    recorded, keys = judged
    said = call(recorded, "feedback", "--data", recorded.data)
    assert f"actually good: 1 new in {recorded.data / 'train' / 'good'}, 0 there already" in said
    assert f"really bad: 2 new in {recorded.data / 'test' / 'really_bad'}, 0 there already" in said
    assert f"line-inspector train --product alpha --data {recorded.data}" in said
    (good,) = images_in(recorded.data / "train" / "good")
    assert (cv2.imread(str(good)) == BRIGHTNESSES[3]).all()
    bad = [int(cv2.imread(str(path)).mean()) for path in images_in(recorded.data / "test" / "really_bad")]
    assert bad == [BRIGHTNESSES[0], BRIGHTNESSES[2]]
    assert "0 new" in call(recorded, "feedback", "--data", recorded.data)
    with recorded.store as store:
        store.judge([keys[2]], Label.ACTUALLY_GOOD, "bob", T0 + timedelta(days=1))
    call(recorded, "feedback", "--data", recorded.data)
    assert len(images_in(recorded.data / "train" / "good")) == 2
    assert len(images_in(recorded.data / "test" / "really_bad")) == 1


def test_what_was_withdrawn_leaves_both_sets(judged):
    recorded, keys = judged
    call(recorded, "feedback", "--data", recorded.data)
    own = recorded.data / "train" / "good" / "own.png"
    shutil.copy(images_in(recorded.data / "train" / "good")[0], own)
    with recorded.store as store:
        store.judge([keys[3], keys[0], keys[5]], None, "bob", T0 + timedelta(days=1))
    assert "2 removed: what was said of them is withdrawn" in call(recorded, "feedback", "--data", recorded.data)
    assert list((recorded.data / "train" / "good").iterdir()) == [own]
    assert len(images_in(recorded.data / "test" / "really_bad")) == 1
    assert "is withdrawn" not in call(recorded, "feedback", "--data", recorded.data)


def test_after_training_again_both_sets_are_compared_with_what_the_line_said(judged, station):
    recorded, _ = judged
    call(recorded, "feedback", "--data", recorded.data)
    before = call(recorded, "feedback", "--data", recorded.data, "--after").splitlines()
    assert [line.split() for line in before[1:3]] == [
        ["actually", "good", "1", "0", "0"],
        ["really", "bad", "2", "0", "0"],
    ]
    station.write("alpha", threshold=2.0)  # 60 is bad now, 210 still is, 40 still is not
    after = call(recorded, "feedback", "--data", recorded.data, "--after").splitlines()
    assert after[2].split() == ["really", "bad", "2", "0", "1"]


def test_the_record_has_the_run_and_its_pictures(recorded):
    with recorded.store as store:
        assert store.counts() == Counts(passed=3, failed=2, missed=1)
        (run,) = store.runs()
        assert (run.id, run.started_utc, run.ended_utc is not None) == (RUN.id, T0, True)
        found = list(store.each())
    assert [each.row.captured_utc for each in found] == [T0 + timedelta(seconds=n) for n in range(6)]
    assert [each.row.verdict for each in found if each.row.overlay_path is None] == []
    assert all((recorded.home / "archive" / each.row.overlay_path).is_file() for each in found)
