"""`calibrate` with regions: the part's budget for those that share it, and what each other region keeps of its own.

The left and the right side of a part are judged by brightness / 25.5, the right one in a unit half as large again.
"""

import numpy as np
import pytest
from drawn import save
from product import Product
from test_regions import AREAS, GOOD, part, two, with_regions  # noqa: F401  (one of them a fixture)

from inspector.errors import RecipeError
from inspector.model_info import file_hash
from inspector.recipe import load_recipe, recipe_path
from inspector.records import Verdict

LEVELS = range(51, 151, 10)  # of ten new good parts: scores 2 to 5.53
COMMENTED = """\
product: alpha
colour: {enhance: none}
regions:
  left:   # from the drawing
    judge: [[[0, 0], [0.4, 0], [0.4, 1], [0, 1]]]
    OWN    # as agreed
  right: {judge: [[[0.6, 0], [1, 0], [1, 1], [0.6, 1]]]}
"""


@pytest.fixture
def alpha(station, tmp_path):
    return Product("alpha", station.models.parent, tmp_path / "parts")


@pytest.fixture
def new_parts(alpha):
    """Ten good parts that the model has not seen: bright on the left where they are dark on the right."""
    for number, level in enumerate(LEVELS):
        save(alpha.data / f"{number}.png", part(left=level, right=200 - level).image)
    return alpha.data


def verdicts(station, side, *levels):
    found = station.load().inspect([part(**{side: level}) for level in levels])
    return [one.verdict for one in found]


def fails_left(station, *levels):
    return ["left" in one.failed_regions for one in station.load().inspect([part(left=level) for level in levels])]


def recipe_of(alpha):
    return load_recipe(alpha.recipe.parent, "alpha")


def test_regions_that_share_the_budget_are_calibrated_together(two, alpha, new_parts):  # noqa: F811
    said = alpha.call("calibrate", "--data", new_parts, "--false-rejects", "0.2")
    worst = sorted(max(level / 25.5, (200 - level) / 25.5 / 1.5) for level in LEVELS)
    assert recipe_of(alpha).threshold == pytest.approx(worst[8], rel=1e-5)
    assert f"threshold {worst[8]:.4g}: at most 0.2 of good parts rejected, from 10 held-out good parts" in said
    assert all(region.shares_budget for region in recipe_of(alpha).regions.values())


def test_a_region_with_a_budget_of_its_own_gets_its_threshold_from_the_new_parts_too(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.1})
    said = alpha.call("calibrate", "--data", new_parts, "--false-rejects", "0.2")
    recipe, model = recipe_of(alpha), station.load().detector.model_hash
    left = recipe.regions["left"]
    assert (left.false_rejects, left.threshold_model) == (0.1, model)
    assert left.threshold == pytest.approx(141 / 25.5, rel=1e-5), "the tenth of ten, for one in ten"
    assert recipe.threshold == pytest.approx(139 / 25.5 / 1.5, rel=1e-5), "by the right side alone: the ninth"
    assert "threshold of the part (right) 3.634: at most 0.2 of good parts rejected, from 10 held-out" in said
    assert "threshold of left 5.529: at most 0.1 of good parts rejected, from 10 held-out" in said
    assert "all regions together reject 1 of these 10 good parts" in said
    assert verdicts(station, "left", 141, 143) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(station, "right", 139, 141) == [Verdict.PASS, Verdict.FAIL]


def test_it_holds_whatever_the_parts_threshold_is_later(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.1})
    alpha.call("calibrate", "--data", new_parts)
    before = recipe_of(alpha).regions
    alpha.call("calibrate", "--threshold", "9")
    assert recipe_of(alpha).regions == before
    assert verdicts(station, "left", 141, 143) == [Verdict.PASS, Verdict.FAIL]


def test_without_new_parts_the_trainings_own_count(station, alpha):
    with_regions(station, left={"false_rejects": 0.1})
    before = fails_left(station, 40, 48, 49)
    said = alpha.call("calibrate", "--false-rejects", "0.2")
    assert recipe_of(alpha).regions["left"].threshold == pytest.approx(sorted(GOOD.values())[89])
    assert "threshold of left 1.89: at most 0.1 of good parts rejected, from 99 held-out good parts" in said
    assert fails_left(station, 40, 48, 49) == before == [False, False, True]


def test_a_threshold_set_by_hand_stays_and_that_is_said(station, alpha, new_parts):
    with_regions(station, left={"threshold": 2.5})
    for options in (["--data", new_parts], ["--threshold", "4"]):
        said = alpha.call("calibrate", *options)
        assert said.count("threshold of left 2.5: set by hand in the recipe, it stays\n") == 1
        assert recipe_of(alpha).regions["left"].threshold == 2.5
        assert verdicts(station, "left", 63, 64) == [Verdict.PASS, Verdict.FAIL]
    assert "all regions together" not in said
    alpha.call("calibrate", "--data", new_parts, "--false-rejects", "0.2")
    assert recipe_of(alpha).threshold == pytest.approx(139 / 25.5 / 1.5, rel=1e-5), "by the right side alone"


def test_where_no_region_shares_it_the_part_has_no_threshold_of_its_own(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.1}, right={"threshold": 3.0})
    said = alpha.call("calibrate", "--data", new_parts, "--false-rejects", "0.2")
    assert "threshold auto: no region shares the part's budget" in said
    assert recipe_of(alpha).threshold == "auto"
    assert verdicts(station, "left", 141, 143) == [Verdict.PASS, Verdict.FAIL]
    assert verdicts(station, "right", 114, 116) == [Verdict.PASS, Verdict.FAIL]


def test_a_budget_that_takes_more_parts_than_training_had_can_be_calibrated(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.001})
    with pytest.raises(RecipeError, match="run `calibrate --data` with more"):
        station.load()
    said = alpha.call("calibrate", "--data", new_parts)
    assert "threshold of left" in said
    assert "extrapolated, without guarantee: 10 held-out good parts; 989 more would guarantee at most 0.001" in said
    assert verdicts(station, "left", 141) == [Verdict.PASS]


def test_it_is_good_for_one_model_only(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.1})
    alpha.call("calibrate", "--data", new_parts)
    station.alter(seed=1)  # the same product, trained again elsewhere and copied over the old file
    station.recipe().write_text(
        station.recipe().read_text().replace(f"threshold: {recipe_of(alpha).threshold}", "threshold: auto", 1)
    )
    text = station.recipe().read_text()
    station.recipe().write_text("\n".join(line for line in text.split("\n") if not line.startswith("threshold_model")))
    with pytest.raises(RecipeError, match=r"regions\.left\.threshold was set for model"):
        station.load()
    assert "threshold of left auto: it was for another model" in alpha.call("calibrate", "--threshold", "4")
    assert recipe_of(alpha).regions["left"].threshold == "auto"
    assert fails_left(station, 48, 49) == [False, True], "as the model's own good parts have it"


def test_parts_that_training_scored_count_once_and_as_they_were_held_out(station, alpha, new_parts):
    with_regions(station, left={"false_rejects": 0.1})
    scores = np.linspace(1, 2, 30)
    hashes = [f"{number:012x}" for number in range(29)]
    known = file_hash(new_parts / "9.png")  # its left side scores 5.53 by the model that has learned it
    held_out = dict(zip([*hashes, known], scores.tolist(), strict=True))
    told = [{"name": name, "roi": area.model_dump(mode="json"), "held_out": held_out} for name, area in AREAS.items()]
    station.alter(regions=told, held_out=held_out, learned_from=[known])
    alpha.call("calibrate", "--data", new_parts)
    assert recipe_of(alpha).regions["left"].threshold == pytest.approx(131 / 25.5, rel=1e-5)


def test_comments_in_the_recipe_survive(two, alpha, new_parts):  # noqa: F811
    path = recipe_path(two.config, "alpha")
    path.write_text(COMMENTED.replace("OWN", "false_rejects: 0.1"))
    alpha.call("calibrate", "--data", new_parts)
    text = path.read_text()
    for kept in ("left:   # from the drawing\n", "false_rejects: 0.1    # as agreed\n"):
        assert kept in text
    assert recipe_of(alpha).regions["left"].threshold_model is not None
