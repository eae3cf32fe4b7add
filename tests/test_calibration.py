"""From held-out scores to a threshold: the promise about false rejects, and how the verb keeps it."""

import argparse
import math

import numpy as np
import pytest
from drawn import belt, nail, poses, save
from hypothesis import given
from hypothesis import strategies as st
from product import Product

from export.learn import calibration
from export.verbs.calibrate import share
from inspector.errors import DataError, RecipeError
from inspector.inspection import verdict_of
from inspector.model_info import file_hash
from inspector.recipe import load_recipe, update_recipe
from inspector.records import Verdict

pytest_plugins = ["trained"]

DISTRIBUTIONS = {
    "exponential": lambda rng, size: rng.exponential(0.3, size),
    "gamma": lambda rng, size: rng.gamma(4, 0.2, size),
    "heavy tail": lambda rng, size: rng.pareto(1.5, size),
    "two kinds of good parts": lambda rng, size: np.abs(rng.normal(np.where(rng.random(size) < 0.2, 3, 1), 0.2)),
    "normal": lambda rng, size: np.abs(rng.normal(1, 0.2, size)),
    "ties": lambda rng, size: np.round(rng.gamma(2, 1, size)),
}
lists_of_scores = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=300)
budgets = st.integers(1, 999).map(lambda thousandths: thousandths / 1000)


def false_rejects(draw, count, budget, lines=1500, fresh=300, seed=0):
    """Share of fresh good parts rejected, over many lines that were each calibrated once: mean, and its own error."""
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(lines):
        limit = calibration.threshold(draw(rng, count).tolist(), budget).value
        rates.append(float((draw(rng, fresh) > limit).mean()))
    return np.mean(rates), np.std(rates) / math.sqrt(lines)


# ---- the promise


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(("count", "budget"), [(99, 0.01), (199, 0.005), (150, 0.01), (30, 0.1), (60, 0.05)])
def test_good_parts_are_rejected_within_the_budget_and_it_is_used(name, count, budget):
    assert calibration.threshold([1.0] * count, budget).guaranteed
    mean, error = false_rejects(DISTRIBUTIONS[name], count, budget)
    assert mean <= budget + 4 * error
    if name != "ties":  # where many parts score alike, the next lower threshold would reject them all
        assert mean >= budget / 2 - 4 * error


@pytest.mark.parametrize("count", [2, 5, 10, 40])
def test_with_too_few_parts_the_extrapolation_keeps_the_budget_where_its_assumption_holds(count):
    def draw(rng, size):
        return np.expm1(np.abs(rng.normal(1, 0.1, size)))

    found = calibration.threshold([1.0] * count, 0.01)
    assert not found.guaranteed
    mean, error = false_rejects(draw, count, 0.01)
    assert mean <= 0.01 + 4 * error
    assert count == 2 or mean >= 0.002


@given(lists_of_scores, budgets)
def test_a_guarantee_is_given_exactly_when_there_are_parts_enough(scores, budget):
    found = calibration.threshold(scores, budget)
    assert found.guaranteed == (len(scores) >= found.parts_needed)
    assert (found.parts, found.budget) == (len(scores), budget)
    rejected = [verdict_of(score, found.value) for score in scores].count(Verdict.FAIL)
    assert rejected <= budget * (len(scores) + 1)
    if found.guaranteed:
        assert found.value in scores
    else:
        assert found.value >= max(scores)
        assert rejected == 0


@given(lists_of_scores, budgets, budgets)
def test_a_smaller_budget_never_lowers_the_threshold(scores, one, other):
    found = [calibration.threshold(scores, budget) for budget in sorted((one, other))]
    if all(each.guaranteed for each in found):
        assert found[0].value >= found[1].value


@given(lists_of_scores, budgets, st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_matter(scores, budget, random):
    shuffled = random.sample(scores, len(scores))
    one, other = calibration.threshold(scores, budget), calibration.threshold(shuffled, budget)
    assert other.value == pytest.approx(one.value, rel=1e-9)


@pytest.mark.parametrize(
    ("words", "needed"),
    [("0.01", 99), ("1%", 99), ("1/100", 99), ("5/1000", 199), ("0.5%", 199), ("0.02", 49), ("1/3", 2), ("1/7", 6)],
)
def test_the_number_of_parts_that_a_budget_needs(words, needed):
    budget = share(words)
    enough = calibration.threshold([1.0] * needed, budget)
    short = calibration.threshold([1.0] * (needed - 1), budget)
    assert (enough.parts_needed, enough.guaranteed) == (needed, True)
    assert (short.parts_needed, short.guaranteed) == (needed, False)
    assert f"at most {budget:g} of good parts rejected, from {needed} held-out good parts" in enough.words
    assert "without guarantee" in short.words
    assert "; 1 more would guarantee" in short.words


@pytest.mark.parametrize("text", ["0", "1", "-0.1", "101%", "1/0", "few", "", "nan", "1 in 100"])
def test_a_share_that_is_none_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="wants a share"):
        share(text)


@pytest.mark.parametrize("budget", [1e-9, 1e-300, 1 - 1e-9])
def test_budgets_beyond_all_reason_give_an_answer_on_the_right_side(budget):
    found = calibration.threshold([1.0, 2.0, 3.0], budget)
    if budget < 0.5:
        assert found.value >= 3
        assert found.parts_needed > 1e8
    else:
        assert found.value == 1


def test_one_held_out_part_is_no_guarantee():
    found = calibration.threshold([1.5], 0.5)
    assert (found.guaranteed, found.value) == (True, 1.5)
    guess = calibration.threshold([1.5], 0.01)
    assert not guess.guaranteed
    assert guess.value > 1.5


def test_two_parts_that_differ_much_do_not_let_every_defect_pass():
    found = calibration.threshold([1.0, 13.0], 0.001)
    assert 13 < found.value < 30


@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_threshold_is_above_zero_where_good_parts_score_nothing(count):
    found = calibration.threshold([0.0] * count, 0.01)
    assert 0 < found.value <= 1
    assert verdict_of(0.0, found.value) is Verdict.PASS


def test_without_scores_there_is_nothing_to_calibrate_from():
    with pytest.raises(DataError, match="no scores of good parts"):
        calibration.threshold([], 0.01)


# ---- the budget, where none is given


@pytest.mark.parametrize(("count", "budget"), [(300, 0.01), (150, 0.02), (60, 0.05), (30, 0.1), (9, 0.1)])
def test_good_parts_that_are_alike_get_the_tightest_budget_that_they_guarantee_with_two_to_spare(count, budget):
    found = calibration.threshold(np.linspace(0.9, 1.1, count).tolist())
    assert (found.budget, found.guaranteed, found.tighter) == (budget, True, None)


@pytest.mark.parametrize(("odd", "budget"), [(0, 0.01), (2, 0.01), (4, 0.02), (10, 0.05), (25, 0.1), (60, 0.25)])
def test_odd_parts_among_the_good_ones_widen_the_budget_until_the_threshold_is_among_the_usual_ones(odd, budget):
    usual = np.random.default_rng(0).normal(1, 0.05, 300 - odd).tolist()
    found = calibration.threshold([*usual, *np.linspace(2, 3, odd)])
    assert found.budget == budget
    assert found.value < 1.4


def test_a_tighter_budget_that_was_passed_over_is_told():
    scores = [*np.linspace(0.9, 1.1, 250), *np.linspace(1.6, 2.2, 50)]
    found = calibration.threshold(scores)
    assert found.tighter == calibration.threshold(scores, 0.1)  # up to 5 per cent, the odd ones would set it
    assert "good parts differ so much that for 0.1 it would be 1.8" in found.words
    assert calibration.threshold(scores, found.budget).words in found.words


@pytest.mark.parametrize("count", [12, 60, 300])
@pytest.mark.parametrize("name", ["normal", "two kinds of good parts", "heavy tail"])
def test_a_budget_chosen_by_the_good_parts_is_kept_too(name, count):
    """The choice looks at the same scores; that may cost a little of the guarantee."""
    rng, draw = np.random.default_rng(0), DISTRIBUTIONS[name]
    chosen = [calibration.threshold(draw(rng, count).tolist()) for _ in range(200)]
    rejected = [float((draw(rng, 300) > found.value).mean()) for found in chosen]
    assert np.mean(rejected) <= np.mean([found.budget for found in chosen]) + 0.01


# ---- suspects


@pytest.mark.parametrize("seed", range(10))
def test_parts_that_stand_out_are_named_strangest_first(seed):
    scores = np.random.default_rng(seed).gamma(9, 0.1, 60)
    named = {f"{number}.png": float(score) for number, score in enumerate(scores)}
    named |= {"7.png": 30.0, "41.png": 8.0}
    assert calibration.suspects(named) == ["7.png", "41.png"]


@pytest.mark.parametrize("name", ["gamma", "normal"])
def test_clean_sets_have_no_suspects(name):
    rng = np.random.default_rng(1)
    clean = [DISTRIBUTIONS[name](rng, 80) for _ in range(200)]
    found = [calibration.suspects({str(number): float(s) for number, s in enumerate(scores)}) for scores in clean]
    assert sum(map(bool, found)) <= 2


@pytest.mark.parametrize("scores", [[1.0], [1.0, 1.1], [2.0] * 30])
def test_parts_that_are_few_or_all_alike_are_no_suspects(scores):
    assert calibration.suspects({str(number): score for number, score in enumerate(scores)}) == []


# ---- the verb; a part's score is its brightness / 25.5


@pytest.fixture
def alpha(station, tmp_path):
    return Product("alpha", station.models.parent, tmp_path / "parts")


def gray(brightness):
    return np.full((48, 64, 3), brightness, np.uint8)


def grays(folder, *brightnesses):
    return [save(folder / f"{number}.png", gray(level)) for number, level in enumerate(brightnesses)]


def threshold_of(product):
    return load_recipe(product.recipe.parent, product.name).threshold


def test_without_data_the_models_own_held_out_scores_count(station, alpha):
    station.alter(held_out={f"{number:012x}": 1 + number / 100 for number in range(150)})
    said = alpha.call("calibrate", "--false-rejects", "1%")
    assert threshold_of(alpha) == pytest.approx(2.49)
    assert "at most 0.01 of good parts rejected, from 150 held-out good parts" in said
    alpha.call("calibrate", "--false-rejects", "10/100")
    assert threshold_of(alpha) == pytest.approx(2.35)


def test_the_recipes_budget_holds_where_none_is_given_and_a_given_one_is_kept(station, alpha):
    station.alter(held_out={f"{number:012x}": 1 + number / 100 for number in range(150)})
    station.write(false_rejects=0.1)
    alpha.call("calibrate")
    assert threshold_of(alpha) == pytest.approx(2.35)
    alpha.call("calibrate", "--false-rejects", "0.05")
    recipe = load_recipe(station.config, "alpha")
    assert (recipe.false_rejects, recipe.threshold) == (0.05, pytest.approx(2.43))


def test_new_images_are_scored_as_the_line_would(alpha, station):
    grays(alpha.data, *range(51, 151, 10))  # scores 2 to 5.53
    said = alpha.call("calibrate", "--data", alpha.data, "--false-rejects", "0.2")
    assert threshold_of(alpha) == pytest.approx(131 / 25.5, rel=1e-5)
    assert "from 10 held-out good parts" in said
    judged = station.load().inspect([station.frame(number, level) for number, level in enumerate((131, 133))])
    assert [one.verdict for one in judged] == [Verdict.PASS, Verdict.FAIL]


def test_images_it_learned_from_count_with_the_score_they_had_when_held_out(alpha, station):
    old = grays(alpha.data / "old", 30, 31)
    new = grays(alpha.data / "new", 51, 77)
    station.alter(
        held_out={file_hash(old[0]): 4.0, file_hash(old[1]): 4.5}, learned_from=[file_hash(path) for path in old]
    )
    alpha.call("calibrate", "--data", alpha.data, "--false-rejects", "0.2")
    assert threshold_of(alpha) == 4.5  # and not the score of 77, or of 31
    assert len(new) == 2


def test_images_it_learned_from_and_has_no_score_for_are_left_out(alpha, station):
    old = grays(alpha.data, 30, 31)
    station.alter(held_out={"0123456789ab": 1.0}, learned_from=[file_hash(path) for path in old])
    said = alpha.refused("calibrate", "--data", alpha.data)
    assert f"{alpha.data}: alpha.onnx has learned from all of these images" in said
    save(alpha.data / "new.png", gray(102))
    said = alpha.call("calibrate", "--data", alpha.data, "--false-rejects", "0.5")
    assert threshold_of(alpha) == pytest.approx(4)
    assert "from 1 held-out good part" in said


def test_a_threshold_by_hand_decides_until_auto_is_written_back(alpha, station):
    alpha.call("calibrate", "--threshold", "1.25")
    assert station.load().inspect([station.frame(0)])[0].verdict is Verdict.FAIL
    update_recipe(station.config, "alpha", threshold="auto", threshold_model=None)
    assert station.load().inspect([station.frame(0)])[0].verdict is Verdict.PASS


def test_comments_in_the_recipe_survive(alpha):
    alpha.recipe.write_text("# ours\nproduct: alpha\nthreshold: 3   # by Ann\ncolour:\n  enhance: none  # gray\n")
    alpha.call("calibrate", "--threshold", "2")
    text = alpha.recipe.read_text()
    assert "# ours\n" in text
    assert "threshold: 2.0   # by Ann\n" in text
    assert "enhance: none  # gray\n" in text


def test_a_threshold_does_not_pass_to_another_model(alpha, station):
    alpha.call("calibrate", "--threshold", "3")
    assert station.load().threshold == 3
    station.alter(seed=1)  # the same product, trained again elsewhere and copied over the old file
    with pytest.raises(RecipeError, match="threshold was set for model"):
        station.load()
    alpha.call("calibrate", "--false-rejects", "0.5")
    assert station.load().threshold == pytest.approx(1.7)


def test_training_again_takes_a_calibrated_threshold_back(pixel_model, tmp_path):
    product = pixel_model.copy(tmp_path)
    product.call("calibrate", "--threshold", "123")
    assert product.load().threshold == 123
    said = product.call("train", "--data", product.data, "--model", "pixel", "--epochs", "1")
    assert "threshold auto" in said
    recipe = load_recipe(product.recipe.parent, product.name)
    assert (recipe.threshold, recipe.threshold_model) == ("auto", None)
    assert product.load().threshold == product.load().detector.info.threshold


def test_aligned_parts_are_calibrated_in_any_pose_and_a_picture_without_one_is_named(feature_model, tmp_path):
    product = feature_model.copy(tmp_path)
    for number, pose in enumerate(poses(6, seed=70)):
        save(tmp_path / "more" / f"{number}.png", nail(pose, 70 + number))
    product.call("calibrate", "--data", tmp_path / "more", "--false-rejects", "0.15")
    assert threshold_of(product) == pytest.approx(feature_model.load().threshold, rel=0.8)
    save(tmp_path / "more" / "empty.png", belt())
    before = product.recipe.read_bytes()
    said = product.refused("calibrate", "--data", tmp_path / "more")
    assert "no part found" in said
    assert "empty.png" in said
    assert product.recipe.read_bytes() == before
