"""The archive keeps what it should, lets go of the oldest, and never fills the disk or stops the line."""

import dataclasses
import logging
import os
import shutil
import subprocess
import sys
from datetime import timedelta

import cv2
import numpy as np
import pytest
from recorded import T0

from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.rows import PartKey
from inspector.record.selection import Selection
from inspector.records import Counts, Verdict

NEVER = 2.0  # times the threshold: no pass is near it


@pytest.fixture
def inspections(station):
    """A function: the inspection of a part of some brightness, which is alpha's score times 25.5."""
    inspector = station.load()
    rng = np.random.default_rng(0)

    def inspect(index, brightness=40):
        frame = station.frame(index, brightness)
        grained = np.clip(frame.image + rng.integers(-2, 3, frame.image.shape), 0, 250).astype(np.uint8)
        return inspector.inspect([dataclasses.replace(frame, image=grained)])[0]

    return inspect


def settings(tmp_path, **changed):
    given = {"keep_pass_every": 0, "near": NEVER, "free_bytes": 0}
    return ArchiveSettings(tmp_path / "archive", **(given | changed))


def keep(archive, inspection, utc=T0, camera=""):
    return archive.keep(PartKey("0123456789abcdef", camera, inspection.index), utc, inspection, Counts())


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "archive").rglob("*") if path.is_file())


def test_rejects_are_kept_always_and_of_passes_one_in_n_and_those_near_the_threshold(inspections, tmp_path):
    archive = Archive(settings(tmp_path, keep_pass_every=5, near=0.9))
    near, far, fails = 120, 40, 200  # scores of about 4.7, 1.6 and 7.8; the threshold is 5
    brightnesses = [far] * 10 + [near, fails, far, fails]
    kept = [keep(archive, inspections(index, b)) is not None for index, b in enumerate(brightnesses)]
    assert kept == [True, False, False, False, False, True, False, False, False, False, True, True, False, True]


def selected(inspection, others):
    """Which of many parts are wanted: `inspection` for True, a passed part without a picture of its own for False."""
    selection = Selection(keep_pass_every=0, near=NEVER)
    passed = dataclasses.replace(inspection, verdict=Verdict.PASS)
    return [selection.wants(inspection if reject else passed) for reject in others], selection


def test_of_a_flood_of_rejects_the_first_are_kept_and_then_one_in_ten_and_it_is_told(inspections, caplog):
    wanted, selection = selected(inspections(0, 200), [True] * 1000 + [False] * 2000)
    assert wanted[:200] == [True] * 200
    assert sum(wanted[:1000]) == 222 + 77
    assert sum(wanted[500:600]) == 10
    assert selection.left_out == {"fail": 1000 - sum(wanted[:1000])}
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "pictures: too many parts (fail): one in 10 is kept until there are fewer",
        "pictures: 701 parts (fail) were left out of the archive",
    ]


def test_rejects_that_are_one_part_in_ten_are_all_kept_for_ever(inspections):
    wanted, selection = selected(inspections(0, 200), [number % 10 == 0 for number in range(20_000)])
    assert sum(wanted) == 2000
    assert not selection.left_out


def test_a_flood_of_one_kind_takes_nothing_from_another(inspections):
    fail = inspections(0, 200)
    missed = dataclasses.replace(fail, verdict=Verdict.MISSED)
    selection = Selection(keep_pass_every=100, near=0.5)
    assert sum(selection.wants(missed) for _ in range(1000)) == 299
    assert all(selection.wants(fail) for _ in range(200))
    near = dataclasses.replace(fail, verdict=Verdict.PASS)  # scores above the threshold's half
    assert sum(selection.wants(near) for _ in range(1000)) in range(299, 310)


def test_what_was_left_out_at_the_end_of_a_run_is_told(inspections, caplog):
    _, selection = selected(inspections(0, 200), [True] * 300)
    selection.close()
    selection.close()
    assert [record.getMessage() for record in caplog.records][1:] == [
        "pictures: 71 parts (fail) were left out of the archive"
    ]


def test_the_original_is_kept_to_the_pixel_and_the_overlay_beside_it(inspections, tmp_path):
    archive, inspection = Archive(settings(tmp_path)), inspections(7, 200)
    kept = keep(archive, inspection, camera="left")
    assert kept.image == "2026-03-01/left/120000-01234567-00000007-fail-part-7.png"
    assert (cv2.imread(str(archive.find(kept.image))) == inspection.image).all()
    assert archive.find(kept.overlay).suffix == ".jpg"
    overlay = cv2.imread(str(archive.find(kept.overlay)))
    assert overlay.shape[1] >= inspection.image.shape[1]
    assert abs(overlay.astype(int).mean() - inspection.image.mean()) > 1  # something was drawn


def test_names_cannot_lead_out_of_the_archive(inspections, tmp_path):
    archive = Archive(settings(tmp_path))
    inspection = inspections(0, 200)
    identity = dataclasses.replace(inspection.identity, name="../../etc/x\n?.png")
    strange = dataclasses.replace(inspection, identity=identity)
    kept = keep(archive, strange, camera="../..")
    assert archive.find(kept.image).resolve().is_relative_to((tmp_path / "archive").resolve())
    (tmp_path / "secret").write_text("x")
    assert archive.find("../secret") is None
    assert archive.find(str(tmp_path / "secret")) is None
    assert archive.find(None) is None


def test_old_days_go_and_what_else_lies_there_stays(inspections, tmp_path):
    now = T0
    archive = Archive(settings(tmp_path, days=10), utc_now=lambda: now)
    for days in range(0, 20, 5):
        keep(archive, inspections(days, 200), T0 - timedelta(days=days))
    (tmp_path / "archive" / "notes").mkdir()
    archive.sweep()
    folders = sorted(path.name for path in (tmp_path / "archive").iterdir())
    assert folders == ["2026-02-19", "2026-02-24", "2026-03-01", "notes"]


def test_of_too_many_bytes_the_oldest_go(inspections, tmp_path):
    archive = Archive(settings(tmp_path))
    kept = [
        keep(archive, inspections(n, 200), T0 + timedelta(seconds=n), "left" if n % 2 else "right") for n in range(8)
    ]
    sizes = [archive.find(each.image).stat().st_size + archive.find(each.overlay).stat().st_size for each in kept]
    smaller = Archive(settings(tmp_path, most_bytes=sum(sizes[4:])), utc_now=lambda: T0)
    smaller.sweep()
    assert [smaller.find(each.image) is not None for each in kept] == [False] * 4 + [True] * 4


def test_a_day_that_takes_more_than_its_share_goes_before_older_ones(inspections, tmp_path):
    archive = Archive(settings(tmp_path))
    others = [keep(archive, inspections(n, 200), T0 - timedelta(days=1 + n)) for n in range(3)]
    flood = [keep(archive, inspections(n, 200), T0 + timedelta(seconds=n)) for n in range(9)]
    size = archive.find(flood[0].image).stat().st_size + archive.find(flood[0].overlay).stat().st_size
    smaller = Archive(settings(tmp_path, most_bytes=10 * size), utc_now=lambda: T0)
    smaller.sweep()
    assert all(smaller.find(each.image) for each in others)
    there = [smaller.find(each.image) is not None for each in flood]
    assert there == sorted(there)
    assert sum(there) in (6, 7)  # of nine; three are others
    smaller.sweep()
    assert [smaller.find(each.image) is not None for each in flood] == there


def test_where_the_disk_is_nearly_full_old_pictures_make_room_and_else_none_are_kept(inspections, tmp_path, caplog):
    free = [100]
    archive = Archive(settings(tmp_path, free_bytes=50), utc_now=lambda: T0, free_bytes=lambda _: free[0])
    first = keep(archive, inspections(0, 200))
    free[0] = 49
    assert [keep(archive, inspections(n, 200)) for n in range(1, 4)] == [None] * 3
    assert archive.find(first.image) is None  # it made room, though not enough
    free[0] = 100
    assert keep(archive, inspections(4, 200)) is not None
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2
    assert "less than 5e-08 GB are free on its disk: free some space; no pictures are archived" in told[0]
    assert told[1].endswith("pictures are kept again; 3 are missing")


def test_a_folder_that_cannot_be_written_is_told_once(inspections, tmp_path, caplog):
    (tmp_path / "archive").write_text("a file where the folder should be")
    archive = Archive(settings(tmp_path))
    assert [keep(archive, inspections(n, 200)) for n in range(3)] == [None] * 3
    archive.sweep()
    (tmp_path / "archive").unlink()
    assert keep(archive, inspections(3, 200)) is not None
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 2
    assert str(tmp_path / "archive") in told[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a disk of its own")
def test_a_real_disk_is_never_filled(inspections, tmp_path, caplog):
    folder = tmp_path / "archive"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a tiny disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        archive = Archive(settings(tmp_path, free_bytes=100_000), utc_now=lambda: T0)
        kept = [keep(archive, inspections(n, 200), T0 + timedelta(seconds=n)) for n in range(30)]
        assert all(kept)
        assert shutil.disk_usage(folder).free > 50_000
        assert archive.find(kept[0].image) is None
        assert archive.find(kept[-1].image) is not None
        (folder / "of another program").write_bytes(b"x" * (shutil.disk_usage(folder).free - 8192))
        careless = Archive(settings(tmp_path))
        assert None in [keep(careless, inspections(n, 200)) for n in range(30, 60)]
        assert sum("no pictures are archived" in record.getMessage() for record in caplog.records) == 1
        assert not [name for name in files(tmp_path) if name.endswith(".part")]
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_missed_part_is_kept_where_it_has_a_picture(station, tmp_path):
    inspector, archive = station.load(), Archive(settings(tmp_path))
    (missed,) = inspector.inspect([station.frame(0, station.not_a_number)])
    assert missed.verdict is Verdict.MISSED
    assert keep(archive, missed) is not None
    assert keep(archive, missed.without_pictures()) is None
