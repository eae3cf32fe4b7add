"""Which good images `train` asks to take again, or to leave out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import nail, nudged, save, texture
from product import Product

from export.learn.good_quality import findings, traits
from inspector.images import read_image

HELD = nudged(12)


def faults(folder, pictures):
    """(file's stem, fault) of what is found in these pictures, given by name and written as files."""
    paths = [save(folder / f"{name}.png", picture) for name, picture in pictures.items()]
    return [(Path(f.file).stem, f.fault) for f in findings(paths, [traits(read_image(path)) for path in paths])]


def held(count=12):
    return {f"{number:03d}": nail(HELD[number], number) for number in range(count)}


def again(picture, seed=99):
    """The same part in the same light, with the sensor's noise of another moment."""
    noise = np.random.default_rng(seed).normal(0, 2.5, picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


def compressed(picture):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)


def test_the_first_image_that_is_not_as_large_as_most_is_named(tmp_path):
    pictures = held()
    for name, size in {"003": (200, 200), "007": (240, 200), "009": (200, 200)}.items():
        pictures[name] = cv2.resize(pictures[name], size)
    pictures["005"] = np.rot90(pictures["005"])
    paths = [save(tmp_path / f"{name}.png", picture) for name, picture in pictures.items()]
    found = [f for f in findings(paths, [traits(read_image(path)) for path in paths]) if f.fault == "size"]
    assert [Path(f.file).stem for f in found] == ["003"]
    assert "200 x 200 px; 9 of 12 images are 240 x 200, the others have 2 other sizes" in found[0].words


SPOILT = {
    "blurred": lambda picture: cv2.GaussianBlur(picture, (0, 0), 2.0),
    "underexposed": lambda picture: cv2.convertScaleAbs(picture, alpha=0.5),
    "overexposed": lambda picture: cv2.convertScaleAbs(picture, alpha=1.6),
}
REPEATED = {"resaved": lambda picture: picture, "compressed": compressed, "burst": again}


def test_good_parts_of_a_fixed_camera_are_not_copies_of_each_other(tmp_path):
    assert faults(tmp_path, held()) == []


def test_textures_of_one_material_are_not_copies_of_each_other(tmp_path):
    assert faults(tmp_path, {f"{seed:03d}": texture(seed) for seed in range(8)}) == []


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_image_is_named_once_with_its_fault(tmp_path, fault):
    pictures = held() | {"spoilt": SPOILT[fault](nail(nudged(13)[12], 13))}
    assert faults(tmp_path, pictures) == [("spoilt", fault)]


@pytest.mark.parametrize("how", REPEATED)
def test_one_exposure_saved_twice_is_named(tmp_path, how):
    assert faults(tmp_path, held() | {"later": REPEATED[how](held()["004"])}) == [("later", "copy")]


def test_a_set_of_which_every_image_was_saved_twice_is_seen_through(tmp_path):
    twice = {f"{name}b": compressed(picture) for name, picture in held().items()}
    assert faults(tmp_path, held() | twice) == [(name, "copy") for name in twice]


def burst(picture, count, seed=0):
    """Shots of one part at rest under a lamp that flickers by up to a percent."""
    light = np.random.default_rng(seed).uniform(0.99, 1.01, count)
    return [again(picture * light[number], seed + number) for number in range(count)]


@pytest.mark.parametrize("others", [0, 1, 5, 12])
def test_twenty_shots_of_one_part_are_named_whatever_else_is_in_the_set(tmp_path, others):
    shots = {f"shot{number:02d}": picture for number, picture in enumerate(burst(held()["004"], 20))}
    rest = {name: picture for name, picture in held().items() if name != "004"}
    pictures = dict(sorted(rest.items())[:others]) | shots
    assert faults(tmp_path, pictures) == [(name, "copy") for name in list(shots)[1:]]


def test_a_set_of_several_bursts_keeps_one_shot_of_each(tmp_path):
    shots = {f"{name}-{i}": shot for name, part in held(4).items() for i, shot in enumerate(burst(part, 6, int(name)))}
    assert faults(tmp_path, shots) == [(name, "copy") for name in shots if not name.endswith("-0")]


def test_empty_surfaces_are_not_copies_though_they_differ_by_noise_alone(tmp_path):
    plain = np.full((200, 240, 3), 150.0)
    assert faults(tmp_path, {f"{number:03d}": again(plain, number) for number in range(12)}) == []


def test_a_set_under_three_lamps_is_not_badly_exposed(tmp_path):
    lamps = {
        name: cv2.convertScaleAbs(picture, alpha=(0.5, 1, 1, 1.35)[int(name) % 4]) for name, picture in held().items()
    }
    assert faults(tmp_path, lamps) == []


def test_a_dark_product_is_not_underexposed(tmp_path):
    assert faults(tmp_path, {name: SPOILT["underexposed"](picture) for name, picture in held().items()}) == []


@pytest.mark.parametrize("count", [2, 3])
def test_very_small_sets_are_looked_at_too(tmp_path, count):
    assert faults(tmp_path, held(count)) == []


@pytest.fixture(scope="module")
def spoilt_set(tmp_path_factory):
    """A product of which one image is blurred and another one saved twice."""
    home = tmp_path_factory.mktemp("spoilt")
    pictures = held(8) | {"spoilt": SPOILT["blurred"](nail(nudged(9)[8], 9)), "twice": compressed(held()["002"])}
    for name, picture in pictures.items():
        save(home / "data" / f"{name}.png", picture)
    return Product("part", home, home / "data")


def test_train_lists_each_image_on_one_line_and_what_to_do(spoilt_set):
    said = spoilt_set.call("train", "--data", spoilt_set.data, "--model", "pixel", "--epochs", 1).splitlines()
    blurred, copy = (next(line for line in said if f"{name}.png" in line) for name in ("spoilt", "twice"))
    assert "blurred" in blurred
    assert "take it again" in blurred
    assert str(spoilt_set.data / "002.png") in copy
    assert "keep one" in copy


def test_train_json_names_them_too(spoilt_set):
    quality = spoilt_set.train("--model", "pixel", "--epochs", 1)["quality"]
    found = {entry["file"]: entry["fault"] for entry in quality}
    assert found == {str(spoilt_set.data / "spoilt.png"): "blurred", str(spoilt_set.data / "twice.png"): "copy"}
