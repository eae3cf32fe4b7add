"""The region of interest: what lies outside plays no part, in training and on the line."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import nail, nudged, save
from hypothesis import given, settings
from hypothesis import strategies as st
from product import Product

from inspector.align import Outline
from inspector.colour import ColourHighlighter
from inspector.detector import Detector
from inspector.errors import RecipeError
from inspector.grid import Grid
from inspector.inspection import Inspector
from inspector.preparation import Preparation
from inspector.recipe import ColourSettings, load_recipe, new_recipe, parse_recipe, write_recipe
from inspector.records import Frame
from inspector.roi import Roi

LEFT = Roi(judge=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),))
HOLE = Roi(ignore=(((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)),))
LEFT_YAML = "roi: {judge: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]}"


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# ---- polygons


def test_polygons_to_judge_less_those_to_ignore():
    assert LEFT.mask(40, 80)[:, :39].all()
    assert not LEFT.mask(40, 80)[:, 41:].any()
    hole = HOLE.mask(80, 80)
    assert not hole[22:58, 22:58].any()
    assert hole[:19].all()
    both = Roi(judge=LEFT.judge, ignore=HOLE.ignore).mask(80, 80)
    assert both.mean() == pytest.approx(0.5 - 0.125, abs=0.03)


@settings(max_examples=50, deadline=None)
@given(st.integers(8, 300), st.integers(8, 300))
def test_the_area_is_the_same_share_at_any_resolution(height, width):
    assert HOLE.mask(height, width).mean() == pytest.approx(0.75, abs=2 / min(height, width))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("roi: {judge: [[[0, 0], [1, 1]]]}", "roi.judge.0"),
        ("roi: {judge: [[[0, 0], [2, 0], [1, 1]]]}", "roi.judge.0.1.0"),
        ("roi: {judges: []}", "unknown key roi.judges"),
        ("roi: {ignore: [[[0, 0], [1, 0], [1, 1], [0, 1]]]}", "nothing to judge"),
        ("roi: {judge: everywhere}", "roi.judge"),
        ("roi: {judge: [[[.nan, 0], [1, 0], [1, 1]]]}", "roi.judge.0.0.0"),
    ],
)
def test_polygons_that_make_no_sense_are_named(text, words):
    with pytest.raises(RecipeError) as raised:
        parse_recipe(f"product: bottle\n{text}\n", Path("bottle.yaml"))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_recipe_keeps_its_polygons_when_it_is_written(tmp_path):
    recipe = new_recipe("bottle").model_copy(update={"roi": Roi(judge=LEFT.judge, ignore=HOLE.ignore)})
    write_recipe(tmp_path, recipe)
    assert load_recipe(tmp_path, "bottle") == recipe


# ---- what a model sees


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([LEFT, HOLE]), st.sampled_from([Grid(1, 1), Grid(2, 3, 0.25)]), st.integers(0, 9))
def test_whatever_lies_outside_the_model_sees_the_same(roi, grid, seed):
    preparation = Preparation(grid, (32, 32), roi=roi)
    image = noise(60, 90)
    other = np.where(roi.mask(60, 90)[..., None], image, noise(60, 90, seed + 1))
    before = image.copy()
    assert np.array_equal(preparation.patches(image), preparation.patches(other))
    assert np.array_equal(image, before), "the picture itself stays"


def test_the_map_is_zero_outside_also_where_the_part_is_turned():
    outline = Outline(length=60, width=20, centre=30, bright=False, area=800, contrast=150)
    image = np.full((90, 90, 3), 200, np.uint8)
    image[20:80, 40:48] = 20
    image[70:80, 37:51] = 20
    preparation = Preparation(Grid(1, 1), (20, 60), fixture=outline, roi=LEFT)
    view = preparation.view(image)
    _, found = preparation.back(view, np.ones((1, 20, 60), np.float32))
    judged = preparation.judged(image)
    inside = cv2.resize(found, (90, 90)) > 0.5
    assert judged.any()
    assert not judged.all()
    assert (inside != judged).mean() < 0.01
    assert 0 < judged[:, 35:55].sum() < 0.6 * (20 * 60)


def test_colours_outside_are_not_highlighted(station):
    recipe = load_recipe(station.config, "alpha").model_copy(update={"colour": ColourSettings(enhance="overlay")})
    detector = Detector(station.model())
    gray = np.full((48, 64, 3), 90, np.uint8)
    gray[:, 60:] = (0, 0, 255)
    plain = Inspector(recipe, detector).inspect([Frame(0, 0, gray)])[0]
    assert plain.strange_colours.any()
    station.alter(roi=LEFT.model_dump(mode="json"))
    masked = Inspector(recipe.model_copy(update={"roi": LEFT}), Detector(station.model())).inspect([Frame(0, 0, gray)])
    assert not masked[0].strange_colours.any()


@pytest.mark.parametrize(
    ("trained", "asked", "words"),
    [(LEFT, None, "the recipe has none"), (None, LEFT, "the model none"), (LEFT, HOLE, f"the model roi {LEFT.hash}")],
)
def test_another_region_than_the_trained_one_is_refused(station, trained, asked, words):
    station.alter(roi=trained and trained.model_dump(mode="json"))
    recipe = load_recipe(station.config, "alpha").model_copy(update={"roi": asked})
    with pytest.raises(RecipeError, match="roi is not the one that the model was trained with") as raised:
        Inspector(recipe, Detector(station.model()))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


# ---- training


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A product of which only the left half is judged; on the right, good parts differ wildly."""
    home = tmp_path_factory.mktemp("masked")
    product = Product("part", home, home / "data")
    for number, pose in enumerate(nudged(10)):
        save(product.data / f"{number}.png", busy(nail(pose, number), number))
    (home / "config").mkdir()
    (home / "config" / "part.yaml").write_text(f"product: part\nalign: none\n{LEFT_YAML}\n")
    product.call("train", "--data", product.data, "--effort", "quick")
    return product


def busy(image, seed):
    """Anything at all on the right half."""
    half = image.shape[1] // 2 + 1
    image = image.copy()
    image[:, half:] = noise(image.shape[0], image.shape[1] - half, seed)
    return image


def test_training_takes_the_region_from_the_recipe_and_learns_no_colour_outside(masked):
    detector = Detector(masked.model)
    assert detector.info.roi == load_recipe(masked.home / "config", "part").roi == LEFT
    strange = ColourHighlighter(detector.gamut, detector.info.colour_tolerance).strange(noise(50, 50, 99))
    assert strange.mean() > 0.5, "the right half shows nearly every colour there is"


def test_a_defect_outside_changes_no_score_and_one_inside_is_found(masked):
    inspector = masked.load()
    good = busy(nail(nudged(11)[10], 50), 50)
    height, width = good.shape[:2]
    outside, inside = good.copy(), good.copy()
    outside[height // 3 : height // 2, 3 * width // 4 :] = 0
    inside[height // 3 : height // 2, width // 8 : width // 4] = 0
    scores = [inspector.inspect([Frame(0, 0, image)])[0].score for image in (good, outside, inside)]
    assert scores[1] == pytest.approx(scores[0], rel=1e-6)
    assert scores[2] > 1.3 * scores[0]
