"""Recipe, model and frames put together, without a thread."""

import math

import numpy as np
import pytest

from inspector.errors import ModelError, RecipeError
from inspector.inspection import load_inspector
from inspector.recipe import ColourSettings, update_recipe
from inspector.records import Cause, Frame, Verdict
from inspector.testing import ManualClock


def frame_of(image, index=0):
    return Frame(index, 0, np.asarray(image, np.uint8), f"part-{index}")


def gray(height, width, brightness=40):
    return np.full((height, width, 3), brightness, np.uint8)


# ---- what fits together


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"grid": "2x3"}, r"alpha: the recipe says grid 2x3, overlap 0, but the model was trained for grid 1x1"),
        ({"overlap": 0.25}, r"alpha: the recipe says grid 1x1, overlap 0\.25"),
    ],
)
def test_a_model_for_another_grid_is_refused(station, settings, words):
    station.write(**settings)
    with pytest.raises(ModelError, match=words):
        station.load()


@pytest.mark.parametrize(("enhance", "enhanced"), [("model", False), ("overlay", True), ("none", True)])
def test_a_threshold_found_with_other_colours_is_refused(station, enhance, enhanced):
    station.write(colour=ColourSettings(enhance=enhance))
    station.alter(enhanced=enhanced)
    with pytest.raises(RecipeError, match=r"alpha\.yaml: the model's threshold is for images with"):
        station.load()
    update_recipe(station.config, "alpha", threshold=2.0)
    assert station.load().threshold == 2


def test_a_threshold_set_for_another_model_is_refused(station):
    station.write(threshold=3.0, threshold_model="abcdefabcdef")
    with pytest.raises(RecipeError, match=r"alpha\.yaml: threshold was set for model abcdefabcdef, but the model is "):
        station.load()


def test_a_threshold_set_for_this_model_is_the_one_that_judges(station):
    own = station.load().detector.model_hash
    update_recipe(station.config, "alpha", threshold=1.0, threshold_model=own)
    inspector = station.load()
    assert inspector.threshold == 1.0
    assert inspector.inspect([station.frame(0)])[0].verdict is Verdict.FAIL


def test_without_a_number_the_model_brings_its_threshold(station):
    assert [station.load(product).threshold for product in ("alpha", "beta", "gamma")] == [5, 9, 1]


def test_another_products_model_is_refused_whatever_its_files_name(station):
    station.write(model="beta.onnx")
    with pytest.raises(ModelError, match=r"alpha: beta\.onnx was trained for product beta: give the recipe its own"):
        station.load()
    station.write()
    station.model("beta").replace(station.model())
    with pytest.raises(ModelError, match=r"alpha: alpha\.onnx was trained for product beta"):
        station.load()


def test_a_model_may_lie_in_a_file_of_any_name(station):
    station.model().rename(station.models / "version 2.onnx")
    station.write(model="version 2.onnx")
    assert station.load().threshold == 5


# ---- what comes out


def test_no_frames_give_no_inspections(station):
    assert station.load().inspect([]) == []


def test_an_inspection_says_everything_about_its_frame(station):
    clock = ManualClock(5_000_000)
    inspector = load_inspector("alpha", station.config, station.models, clock)
    frame = Frame(7, 2_000_000, gray(48, 64, 200), "left/7.png")
    (inspection,) = inspector.inspect([frame])
    assert (inspection.index, inspection.part, inspection.verdict) == (7, "left/7.png", Verdict.FAIL)
    assert (inspection.product, inspection.context.recipe_hash) == ("alpha", inspector.recipe.hash)
    assert inspection.context.model_hash == inspector.detector.model_hash
    assert inspection.score == pytest.approx(200 / 25.5)
    assert (inspection.latency_ms, inspection.wait_ms, inspection.judge_ms) == (3, 3, 0)
    assert inspection.cause is None
    assert inspection.image is frame.image
    assert inspection.anomaly_map.shape == (8, 8)
    assert inspection.strange_colours is None
    assert inspection.judgement.patch_boxes.tolist() == [[0, 0, 48, 64]]


def test_frames_judged_together_are_judged_as_each_alone(station):
    station.alter(grid="2x3")
    station.write(grid="2x3")
    inspector = station.load()
    rng = np.random.default_rng(1)
    sizes = [(48, 64), (1, 1), (300, 20), (31, 97), (48, 64), (200, 200), (2, 3)]
    frames = [frame_of(rng.integers(0, 240, (*size, 3)), index) for index, size in enumerate(sizes)]
    for together, frame in zip(inspector.inspect(frames), frames, strict=True):
        (alone,) = inspector.inspect([frame])
        assert (together.index, together.verdict) == (alone.index, alone.verdict)
        assert together.score == pytest.approx(alone.score, rel=1e-6)
        np.testing.assert_allclose(together.anomaly_map, alone.anomaly_map, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(together.judgement.patch_boxes, alone.judgement.patch_boxes)


def test_the_strangest_patch_of_a_grid_decides_and_is_named(station):
    station.alter(grid="2x3")
    station.write(grid="2x3")
    image = gray(64, 96)
    image[32:, 32:64] = 230
    (inspection,) = station.load().inspect([frame_of(image)])
    assert inspection.verdict is Verdict.FAIL
    assert inspection.worst_patch == (1, 1)
    assert inspection.anomalous_patches == 1
    assert inspection.score == pytest.approx(230 / 25.5)
    assert inspection.patch_scores.shape == (2, 3)
    assert inspection.judgement.patch_boxes[4].tolist() == [32, 32, 64, 64]


def test_a_patch_is_held_against_its_own_limit(station):
    station.alter(grid="1x2", patch_limits=[1.0, 0.5], threshold=1.0)
    station.write(grid="1x2")
    inspector = station.load()
    image = gray(32, 64, 20)
    one, both = inspector.inspect([frame_of(image), frame_of(image, 1)])
    np.testing.assert_allclose(one.patch_scores, [[20 / 25.5, 40 / 25.5]])
    np.testing.assert_allclose(one.anomaly_map, np.repeat([[20 / 25.5, 40 / 25.5]], 8, 1).repeat(8, 0))
    assert (one.verdict, one.worst_patch, one.anomalous_patches) == (Verdict.FAIL, (0, 1), 1)
    assert both.score == one.score == pytest.approx(40 / 25.5)


def test_one_patch_without_a_number_makes_the_part_missed(station):
    station.alter(grid="2x2")
    station.write(grid="2x2")
    image = gray(64, 64)
    image[:32, :32] = station.not_a_number
    missed, judged = station.load().inspect([frame_of(image), frame_of(gray(64, 64), 1)])
    assert (missed.verdict, missed.cause) == (Verdict.MISSED, Cause.MODEL)
    assert math.isnan(missed.score)
    assert missed.part == "part-0"
    assert judged.verdict is Verdict.PASS


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3648, 5472), (900, 300)])
def test_any_size_of_image_is_judged(station, size):
    station.write(colour=ColourSettings(enhance="overlay"))
    (inspection,) = station.load().inspect([frame_of(gray(*size))])
    assert inspection.verdict is Verdict.PASS
    assert inspection.score == pytest.approx(40 / 25.5)
    assert inspection.strange_colours.shape == size


# ---- colours


@pytest.mark.parametrize(
    ("enhance", "seen", "painted"), [("none", False, False), ("overlay", True, False), ("model", True, True)]
)
def test_strange_colours_are_marked_and_shown_to_the_model_only_on_demand(station, enhance, seen, painted):
    station.write(colour=ColourSettings(enhance=enhance))
    station.alter(enhanced=enhance == "model")
    image = gray(32, 32)
    image[:, 16:] = (10, 10, 100)  # red, as dark as the gray beside it: all good parts were gray
    (inspection,) = station.load().inspect([frame_of(image)])
    assert (inspection.strange_colours is not None) is seen
    if seen:
        assert inspection.strange_colours.tolist() == [[False] * 16 + [True] * 16] * 32
    right = inspection.anomaly_map[:, 4:].mean() * 25.5
    assert right == pytest.approx(85 if painted else 40, abs=0.01)
    assert (inspection.image[:, 16:] == (10, 10, 100)).all()


def test_the_recipes_tolerance_goes_before_the_models(station):
    image = gray(32, 32)
    image[0, 0] = (40, 40, 60)  # 10 from the nearest gray
    for tolerance, strange in ((None, 1), (9, 1), (10, 0)):
        station.write(colour=ColourSettings(enhance="overlay", tolerance=tolerance))
        (inspection,) = station.load().inspect([frame_of(image)])
        assert inspection.strange_colours.sum() == strange


# ---- the percentile among good parts


@pytest.mark.parametrize(
    ("brightness", "share", "words"),
    [
        (40, 0.0, "scores above 0.0% of good parts"),  # scores 1.6
        (60, 2 / 5, "scores above 40.0% of good parts"),  # 2.4
        (200, 4 / 5, "scores above all 4 good parts"),  # 7.8
    ],
)
def test_a_part_is_compared_with_the_held_out_good_parts(station, brightness, share, words):
    station.alter(held_out={f"{number:012x}": score for number, score in enumerate((3.0, 1.9, 2.1, 4.0))})
    (inspection,) = station.load().inspect([frame_of(gray(32, 32, brightness))])
    assert (inspection.percentile, inspection.percentile_in_words) == (pytest.approx(share), words)


def test_a_part_that_was_not_judged_is_compared_with_nothing(station):
    (inspection,) = station.load().inspect([frame_of(gray(32, 32, station.not_a_number))])
    assert math.isnan(inspection.percentile)
    assert inspection.percentile_in_words == ""


def test_a_model_without_held_out_scores_has_nothing_to_compare_with(station):
    station.alter(held_out={})
    (inspection,) = station.load().inspect([frame_of(gray(32, 32))])
    assert math.isnan(inspection.percentile)
    assert inspection.percentile_in_words == ""
