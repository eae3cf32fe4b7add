from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.demo.parts import (
    DEFECTS,
    HOLES,
    MIN_SIZE_PX,
    before_and_after,
    changed,
    expose,
    good_part,
    make_demo,
    photograph,
)
from inspector.errors import DataError, SinkError
from inspector.images import find_images, read_image
from inspector.records import Image, Mask

SIZE = 192


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def defective(kind: str, severity: float, seed: int) -> tuple[Image, Image, Mask]:
    """The part without and with its defect, photographed, and the mask."""
    before, after = before_and_after(kind, rng(seed), SIZE, severity)
    return photograph(before), photograph(after), changed(expose(before), expose(after))


def difference(one: Image, other: Image) -> np.ndarray:
    return np.abs(one.astype(int) - other.astype(int)).max(axis=2)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, seed=3, good=3, test_good=2, per_defect=2, size=SIZE)
    return folder


def test_layout_is_complete(demo: Path):
    wanted = {f"train/good/{i:03d}.jpg" for i in range(3)} | {f"test/good/{i:03d}.jpg" for i in range(2)}
    for kind in DEFECTS:
        wanted |= {f"test/{kind}/{i:03d}.jpg" for i in range(2)}
        wanted |= {f"ground_truth/{kind}/{i:03d}_mask.png" for i in range(2)}
    assert set(tree(demo)) == wanted


def test_every_picture_is_what_its_place_promises(demo: Path):
    for path in find_images(demo):
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask = "ground_truth" in path.parts
        assert picture.shape == ((SIZE, SIZE) if mask else (SIZE, SIZE, 3)), path
        if mask:
            assert set(np.unique(picture)) == {0, 255}, path


def test_saved_mask_lies_on_the_defect(demo: Path):
    """The saved files fit each other: inside its mask, a wrong insert is not blue any more."""
    picture = read_image(demo / "test" / "colour" / "000.jpg").astype(int)
    mask = cv2.imread(str(demo / "ground_truth" / "colour" / "000_mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    blue = (picture[..., 0] - picture[..., 2])[mask]
    assert (blue < 0).mean() > 0.9


def test_same_seed_gives_same_bytes_and_another_seed_other_parts(demo: Path, tmp_path: Path):
    make_demo(tmp_path / "again", seed=3, good=3, test_good=2, per_defect=2, size=SIZE)
    make_demo(tmp_path / "other", seed=4, good=3, test_good=2, per_defect=2, size=SIZE)
    assert tree(tmp_path / "again") == tree(demo)
    other = tree(tmp_path / "other")
    assert not any(other[name] == picture for name, picture in tree(demo).items() if name.endswith(".jpg"))


def test_more_parts_leave_the_first_ones_as_they_were(demo: Path, tmp_path: Path):
    make_demo(tmp_path, seed=3, good=5, test_good=0, per_defect=0, size=SIZE)
    more, fewer = tree(tmp_path), tree(demo)
    assert [more[f"train/good/{i:03d}.jpg"] == fewer[f"train/good/{i:03d}.jpg"] for i in range(3)] == [True] * 3
    assert len(more) == 5


def test_no_two_pictures_are_the_same(demo: Path):
    pictures = [data for name, data in tree(demo).items() if name.endswith(".jpg")]
    assert len(set(pictures)) == len(pictures)


def test_good_parts_differ_as_real_ones_do():
    parts = [good_part(rng(seed), SIZE) for seed in range(12)]
    assert all(abs(part.at.turn_deg) <= 2 for part in parts)
    assert len({part.at for part in parts}) == len({part.gain for part in parts}) == len(parts)
    exact = replace(parts[0], at=parts[1].at, gain=parts[1].gain, white=parts[1].white)
    texture = difference(photograph(exact), photograph(replace(exact, seed=exact.seed + 1)))
    assert texture[70:80, 40:150].mean() > 3  # brushed differently, at the same place in the same light


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("severity", [1.0, 0.5, 0.0])
def test_mask_holds_the_change_and_nothing_else(kind: str, severity: float):
    for seed in range(3):
        before, after, mask = defective(kind, severity, seed)
        change = difference(before, after)
        assert 10 <= mask.sum() < 0.1 * mask.size
        assert change[mask].mean() > 6
        assert (change[~mask] > 8).mean() < 5e-4  # 5 is the limit of the visible; noise follows the light, a little
        assert change[~mask].mean() < 0.1


@pytest.mark.parametrize("kind", ["chip", "scratch", "stain"])
def test_severity_is_size(kind: str):
    areas = [np.mean([defective(kind, severity, seed)[2].sum() for seed in range(4)]) for severity in (0.0, 0.5, 1.0)]
    assert areas[0] < areas[1] < areas[2]


def test_missing_hole_is_masked_where_the_hole_should_be():
    part = good_part(rng(1), SIZE)
    mask = changed(expose(part), expose(replace(part, holes=HOLES[1:])))
    rows, cols = np.nonzero(mask)
    wanted = (np.array(HOLES[0]) + (part.at.x, part.at.y) + 1) * SIZE / 2
    assert (cols.mean(), rows.mean()) == pytest.approx(wanted, abs=4)  # turned by at most 2 degrees: 2 px out there


@pytest.mark.parametrize("kind", ["colour", "stain"])
def test_wrong_colours_are_colours_no_good_part_shows(kind: str):
    good = np.concatenate([chroma(photograph(good_part(rng(7, seed), SIZE))) for seed in range(6)])
    seen = set(map(tuple, np.unique(good, axis=0).tolist()))
    _, after, mask = defective(kind, 1.0, 5)
    new = [tuple(pair) not in seen for pair in chroma(after, mask).tolist()]
    assert np.mean(new) > 0.6


def chroma(picture: Image, mask: Mask | None = None) -> np.ndarray:
    """(n, 2): the colour of the pixels without their brightness, in coarse steps."""
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (5, 5), 0), cv2.COLOR_BGR2LAB)[..., 1:] // 6
    return lab.reshape(-1, 2) if mask is None else lab[mask]


def test_a_folder_in_use_is_refused(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not an empty folder"):
        make_demo(tmp_path)
    assert tree(tmp_path) == {"mine.txt": b"keep"}


def test_a_place_that_cannot_hold_folders_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("keep")
    with pytest.raises(DataError, match="not an empty folder"):
        make_demo(tmp_path / "file")
    with pytest.raises(SinkError, match="file"):
        make_demo(tmp_path / "file" / "demo", size=SIZE)


def test_a_size_too_small_to_show_a_part_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=str(MIN_SIZE_PX)):
        make_demo(tmp_path / "demo", size=MIN_SIZE_PX - 1)
    assert not (tmp_path / "demo").exists()
