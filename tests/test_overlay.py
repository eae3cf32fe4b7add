from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from inspector.overlay.picture import draw
from inspector.records import Cause, Counts, Inspection, InspectionContext, Judgement, Verdict
from inspector.testing import inspection_of

JUDGED = [field.name for field in dataclasses.fields(Judgement)]
TOLD = [field.name for field in dataclasses.fields(InspectionContext)]
WHO = {"product": "bottle", "recipe_hash": "r", "model_hash": "m"}
KNOWN = {"number": 3, "part": "good/003.png"}
COUNTS = Counts(110, 9, 1)
GREEN, RED, AMBER = (0, 130, 0), (0, 0, 200), (0, 170, 255)


def gray(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def inspection(verdict: Verdict = Verdict.PASS, **fields: object) -> Inspection:
    judged = {name: fields.pop(name) for name in JUDGED if name in fields}
    told = {name: fields.pop(name) for name in TOLD if name in fields}
    context = InspectionContext(**(WHO | {"threshold": 2.0} | told))
    judgement = Judgement(**({"score": 1.0} | judged))
    return inspection_of(verdict=verdict, context=context, judgement=judgement, **(KNOWN | fields))


def shown(picture: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The part of the overlay in which the image lies: above the border, as wide at the bottom as at the sides."""
    height, width = image.shape[:2]
    edge = (picture.shape[1] - width) // 2
    return picture[picture.shape[0] - edge - height : picture.shape[0] - edge, edge : edge + width]


def is_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (picture == colour).all(axis=2)


def is_changed(inside: np.ndarray, image: np.ndarray) -> np.ndarray:
    return (inside != image).any(axis=2)


def blob(peak: float, size: int = 32) -> np.ndarray:
    """A map with one blob in its upper left quarter."""
    rows, cols = np.mgrid[:size, :size]
    return (peak * np.exp(-((rows - size / 4) ** 2 + (cols - size / 4) ** 2) / size)).astype(np.float32)


def test_a_good_part_stays_as_it_is():
    image = np.random.default_rng(0).integers(0, 255, (700, 900, 3), np.uint8)
    quiet = np.random.default_rng(0).random((32, 32), np.float32) * 1.2
    picture = draw(inspection(image=image, anomaly_map=quiet, patch_scores=np.ones((1, 1), np.float32)), COUNTS)
    np.testing.assert_array_equal(shown(picture, image), image)


def test_the_given_image_is_not_drawn_on():
    image = gray(700, 900)
    draw(
        inspection(
            Verdict.FAIL, image=image, anomaly_map=blob(9), find_strange=lambda image: np.ones((700, 900), bool)
        ),
        COUNTS,
    )
    np.testing.assert_array_equal(image, gray(700, 900))


@pytest.mark.parametrize(("verdict", "colour"), [(Verdict.PASS, GREEN), (Verdict.FAIL, RED), (Verdict.MISSED, AMBER)])
def test_the_frame_has_the_verdicts_colour(verdict, colour):
    picture = draw(inspection(verdict, image=gray(700, 900)), COUNTS)
    rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (rim == colour).all()


def test_heat_grows_from_the_threshold_on_and_lies_where_the_map_is_hot():
    image = gray(800, 800)
    ramp = np.tile(np.linspace(0, 4, 80, dtype=np.float32), (80, 1))  # threshold in the middle
    inside = shown(draw(inspection(image=image, anomaly_map=ramp), COUNTS), image).astype(int)
    row = inside[400]
    redness = row[:, 2] - row[:, 0]
    assert (redness[:240] == 0).all()  # up to 0.6 of the threshold: nothing
    assert 0 < redness[500] < redness[600] < redness[760]


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_without_a_usable_threshold_there_is_no_heat(threshold):
    image = gray(700, 900)
    inside = shown(draw(inspection(image=image, anomaly_map=blob(9), threshold=threshold), COUNTS), image)
    np.testing.assert_array_equal(inside, image)


def test_the_region_above_the_threshold_is_outlined():
    image = gray(800, 800)
    inside = shown(draw(inspection(Verdict.FAIL, image=image, anomaly_map=blob(8)), COUNTS), image)
    rows, cols = np.nonzero(is_colour(inside, (255, 0, 255)))
    hot_rows = np.nonzero((blob(8) > 2).any(axis=1))[0] * 25
    assert rows.min() == pytest.approx(hot_rows[0], abs=25)
    assert rows.max() == pytest.approx(hot_rows[-1] + 25, abs=25)
    assert abs(int(rows.mean()) - int(cols.mean())) < 5


@pytest.mark.parametrize("cells", [5, 64, 300, 2000])
def test_a_single_cell_above_the_threshold_is_always_marked(cells):
    """Neither enlarging nor shrinking a map may lose the one cell for which the part is rejected."""
    image = gray(700, 900)
    lonely = np.zeros((cells, cells), np.float32)
    lonely[cells // 3, cells // 2] = 2.01
    inside = shown(draw(inspection(Verdict.FAIL, image=image, anomaly_map=lonely), COUNTS), image)
    rows, cols = np.nonzero(is_colour(inside, (255, 0, 255)))
    assert rows.mean() == pytest.approx((cells // 3 + 0.5) / cells * 700, abs=3)
    assert cols.mean() == pytest.approx((cells // 2 + 0.5) / cells * 900, abs=3)


def test_huge_and_negative_map_values_are_the_ends_of_the_scale():
    image = gray(700, 900)
    wild = np.full((10, 10), -1e30, np.float32)
    wild[5:, 5:] = np.inf
    inside = shown(draw(inspection(Verdict.FAIL, image=image, anomaly_map=wild), COUNTS), image).astype(int)
    np.testing.assert_array_equal(inside[:200, :300], image[:200, :300])
    assert inside[600, 800, 2] - inside[600, 800, 0] > 50


def test_strange_colours_are_neon_green():
    image = gray(700, 900)
    strange = np.zeros((700, 900), bool)
    strange[100:150, 200:260] = True
    inside = shown(draw(inspection(image=image, find_strange=lambda image: strange), COUNTS), image)
    np.testing.assert_array_equal(is_colour(inside, (0, 255, 0)), strange)
    np.testing.assert_array_equal(is_changed(inside, image), strange)


def grid_boxes(height: int, width: int, grid: int) -> np.ndarray:
    cells = [(r, c) for r in range(grid) for c in range(grid)]
    tall, wide = height // grid, width // grid
    return np.array([(r * tall, c * wide, (r + 1) * tall, (c + 1) * wide) for r, c in cells], np.int32)


def test_anomalous_patches_are_framed_and_the_worst_one_thicker():
    image = gray(900, 900)
    scores = np.array([[0, 0, 0], [0, 3, 0], [0, 0, 5]], np.float32)
    fields = {"patch_scores": scores, "patch_boxes": grid_boxes(900, 900, 3)}
    red = is_colour(shown(draw(inspection(Verdict.FAIL, image=image, **fields), COUNTS), image), (0, 0, 255))
    line, worst_line = red[450, 300:450].sum(), red[750, 600:750].sum()  # from the left edge to the middle
    assert 0 < line < worst_line
    assert not red[:300].any()
    assert not red[:550, :300].any()


def test_a_grid_of_one_gets_no_frame_around_the_whole_picture():
    image = gray(900, 900)
    fields = {"patch_scores": np.full((1, 1), 9, np.float32), "patch_boxes": grid_boxes(900, 900, 1)}
    np.testing.assert_array_equal(shown(draw(inspection(Verdict.FAIL, image=image, **fields), COUNTS), image), image)


@pytest.mark.parametrize("size", [(8, 8), (48, 64), (270, 480), (3000, 100), (8, 3000), (60, 4096), (3648, 5472)])
def test_every_size_is_drawn_whole(size):
    height, width = size
    image = gray(height, width)
    strange = np.zeros(size, bool)
    strange[0, 0] = strange[-1, -1] = True
    scores = np.array([[9, 0], [0, 3]], np.float32)
    fields = {"patch_scores": scores, "patch_boxes": grid_boxes(height, width, 2), "anomaly_map": blob(9)}
    picture = draw(inspection(Verdict.FAIL, image=image, **fields), COUNTS)
    assert picture.shape[1] >= max(640, width)
    assert picture.shape[0] > height
    plain = draw(inspection(image=image, find_strange=lambda image: strange), COUNTS)
    rows, cols = np.nonzero(is_colour(plain, (0, 255, 0)))
    factor = math.isqrt(len(rows) // 2)  # each of the two corner pixels is a square now
    assert (rows.max() - rows.min() + 1, cols.max() - cols.min() + 1) == (height * factor, width * factor)


def test_small_images_keep_their_pixels_as_squares():
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    picture = draw(inspection(image=image), COUNTS)
    large = image.repeat(10, axis=0).repeat(10, axis=1)
    np.testing.assert_array_equal(shown(picture, large), large)


@pytest.mark.parametrize("image", [None, np.zeros((0, 0, 3), np.uint8), np.zeros((9, 9, 4), np.uint8), np.ones((9, 9))])
def test_a_frame_that_is_no_picture_gets_a_plate_with_words(image):
    missed = {"image": image, "cause": Cause.DECODE, "score": math.nan}
    told = draw(inspection(Verdict.MISSED, detail="003.png: broken", **missed), COUNTS)
    silent = draw(inspection(Verdict.MISSED, detail="", **missed), COUNTS)
    assert told.shape == silent.shape
    assert (told[100:] != silent[100:]).any()  # below the banner: the reason itself


def test_the_banner_tells_the_counts_and_the_part():
    first = draw(inspection(image=gray(700, 900)), COUNTS)
    assert (first != draw(inspection(image=gray(700, 900)), Counts(111, 9, 1))).any()
    assert (first != draw(inspection(image=gray(700, 900), part="good/004.png"), COUNTS)).any()


def test_a_score_just_above_the_threshold_looks_different_from_it():
    score, image = 0.92494, gray(300, 900)
    limits = (score, 0.92487)  # both 0.9249 in four digits
    pictures = [draw(inspection(Verdict.FAIL, image=image, score=score, threshold=limit), COUNTS) for limit in limits]
    assert not np.array_equal(*pictures)


@pytest.mark.parametrize("width", [8, 640, 900, 5472])
def test_a_banner_of_long_texts_stays_within_the_picture(width):
    image = gray(max(8, width // 2), width)
    fields = {"part": "W" * 500, "product": "M" * 300, "score": 12345678.9}
    picture = draw(inspection(Verdict.FAIL, image=image, **fields), Counts(10**9, 10**8, 10**7))
    assert is_colour(picture[:, -3:], RED).all()
