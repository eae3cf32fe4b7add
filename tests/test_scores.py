"""From maps to scores, and what a usual score is."""

import numpy as np
import pytest
import torch
from scipy import stats

from export.learn import calibration
from export.learn.scores import Calibrated, Mix, Units, held_out, top_mean

SPREADS = np.array([0.15, 0.3, 0.6])  # of the logarithms, of three components of scores
MIDDLES = np.array([0.3, 3.0, 40.0])


def drawn(random, *shape):
    """Scores of good parts, of three components that differ in unit and spread, (..., 3)."""
    return MIDDLES * np.exp(SPREADS * random.normal(0, 1, (*shape, 3)))


def maps(*values, side=32):
    return torch.stack([torch.full((side, side), float(value)) for value in values])


# ---- a map's score


def test_a_flat_map_scores_its_value():
    assert top_mean(maps(0.5, 2, 0)).tolist() == [0.5, 2, 0]


def test_one_hot_cell_counts_for_little_and_a_small_defect_for_all():
    noise, defect = maps(1, 1)
    noise[3, 3] = 100
    defect[3:8, 3:8] = 100  # 25 of 1024 cells
    scores = top_mean(torch.stack([noise, defect]))
    assert scores[0] < 15
    assert scores[1] == 100


def test_a_map_of_a_single_cell_has_a_score():
    assert top_mean(maps(3, side=1)).tolist() == [3]


# ---- limits


def held(scores):
    """Held-out scores of parts of one patch, (n, components)."""
    return held_out(scores[:, None])


def limits_of(scores):
    return Units.of(scores).limits


def test_limits_are_in_the_units_of_their_kind():
    scores = drawn(np.random.default_rng(0), 30)
    units = np.array([0.5, 7, 1e3])
    np.testing.assert_allclose(limits_of(scores * units), limits_of(scores) * units)
    np.testing.assert_allclose(held(scores * units), held(scores))
    np.testing.assert_allclose(Units.of(scores * units).exponents, Units.of(scores).exponents)


def test_1_is_the_limit_of_each_kind_and_below_it_a_detail_counts_for_less_than_the_whole():
    scores = drawn(np.random.default_rng(6), 301)
    units = Units.of(scores)
    whole, *details = units.together(np.diag(np.median(scores, 0)))
    assert max(details) < whole / 2
    np.testing.assert_allclose(units.together(np.diag(units.limits)), 1)
    assert units.exponents[0] == 1
    beyond = np.diag(1.2 * units.limits)
    assert (units.together(beyond) > 1).all()


def test_a_defect_that_several_kinds_see_a_little_stands_out_from_parts_that_one_finds_odd():
    random = np.random.default_rng(11)
    spread = 0.3
    good = np.exp(spread * random.normal(0, 1, (400, 3)))
    units = Units.of(good, Mix((1.0, 1.0, 1.0)))
    seen_by_all, odd_for_one = np.exp(spread * np.array([[2.0, 2.0, 2.0], [4.0, 0.0, 0.0]]))
    assert units.together(seen_by_all) > 1 > units.together(odd_for_one)
    assert units.whole_exponents.sum() == pytest.approx(1)


def test_a_kind_of_no_weight_and_details_that_are_left_out_change_nothing():
    random = np.random.default_rng(12)
    scores = drawn(random, 100)
    units = Units.of(scores, Mix((1.0, 0.0), details=False))
    changed = scores * [1, 50, 50]
    np.testing.assert_allclose(units.together(changed), units.together(scores))


def test_a_limit_is_what_good_parts_hardly_reach_and_no_more_than_that():
    random = np.random.default_rng(1)
    found = limits_of(drawn(random, 300))
    assert (drawn(random, 5000) > found).mean() < 0.002
    assert (found < drawn(random, 5000).max(0) * 5).all()


@pytest.mark.parametrize("strangest", [20, 1e3, 1e6])
@pytest.mark.parametrize("count", [12, 30])
def test_how_far_out_a_part_lies_moves_no_limit(count, strangest):
    scores = drawn(np.random.default_rng(2), count)
    found = limits_of(np.vstack([scores, scores.max(0) * strangest]))
    np.testing.assert_allclose(found, limits_of(np.vstack([scores, scores.max(0) * 10])), rtol=1e-9)
    assert (scores.max(0) * strangest > found).all()


def test_a_limit_hardly_changes_for_a_few_defects_among_the_good_parts():
    scores = drawn(np.random.default_rng(3), 200)
    defective = np.vstack([scores, scores[:10] * 50])
    np.testing.assert_allclose(limits_of(defective), limits_of(scores), rtol=0.5)


def test_a_detail_may_stand_out_farther_than_the_whole():
    random = np.random.default_rng(5)
    whole, detail = limits_of(np.exp(0.3 * random.normal(0, 1, (500, 1))).repeat(2, axis=1))
    assert detail > 1.3 * whole


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("value", [0.0, 1e-9, 1.0, 1e9])
def test_few_parts_that_agree_or_score_nothing_give_limits_above_them(count, value):
    scores = np.full((count, 3), value)
    assert np.isfinite(limits_of(scores)).all()
    assert (limits_of(scores) > scores).all()
    assert np.isfinite(held(scores)).all()
    assert (held(scores) >= 0).all()
    assert (held(scores) < 1).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_held_out_score_for_each_of_a_few_parts(count):
    found = held(drawn(np.random.default_rng(count), count))
    assert found.shape == (count,)
    assert np.isfinite(found).all()
    assert (found > 0).all()


def test_a_part_is_held_against_limits_that_it_did_not_help_to_set():
    scores = drawn(np.random.default_rng(4), 8)
    changed = scores.copy()
    changed[5] *= 1.5
    before, after = held(scores), held(changed)
    rest = Units.of(np.delete(scores, 5, axis=0))
    assert after[5] == pytest.approx(rest.together(changed[[5]])[0])
    assert after[5] > before[5]
    np.testing.assert_allclose(held(scores[::-1]), before[::-1])


# ---- patches of a grid

QUIET = np.exp(-8 * SPREADS)  # good parts' scores in two of three patches, of those in the third


def of_a_grid(random, parts):
    """Scores of good parts, (parts, 3 patches, 3 components)."""
    return drawn(random, parts, 3) * np.stack([QUIET, QUIET, np.ones(3)])


def test_one_patch_needs_no_limit_of_its_own():
    components = drawn(np.random.default_rng(7), 30, 1)
    assert Calibrated.of(components).patches.tolist() == [1]
    np.testing.assert_allclose(
        Calibrated.of(components).scores(components), Units.of(components[:, 0]).together(components[:, 0])
    )


def test_a_defect_where_good_parts_are_alike_is_not_hidden_by_where_they_differ():
    random = np.random.default_rng(8)
    good, defective = of_a_grid(random, 200), of_a_grid(random, 100)
    defective[:, 0] = MIDDLES  # as usual as can be in the third patch
    calibrated = Calibrated.of(good)
    highest, threshold = (np.quantile(each, 0.95) for each in (good.max(1), calibrated.scores(good)))
    assert (defective[:, 0] < highest).all()
    assert (calibrated.scores(defective) > threshold).all()
    assert calibrated.patches.max() == 1


def test_few_parts_say_little_about_single_patches():
    random = np.random.default_rng(9)
    few, many = (Calibrated.of(of_a_grid(random, parts)).patches for parts in (4, 400))
    assert few.max() == many.max() == 1
    assert few.min() > 0.7
    assert many.min() < 0.5


def test_a_patch_where_nothing_ever_happens_does_not_reject_everything():
    components = of_a_grid(np.random.default_rng(10), 200)
    components[:, 1] = 0
    assert Calibrated.of(components).patches[1] > 0.2


# ---- the promise


@pytest.mark.parametrize("cells", [1, 3])
@pytest.mark.parametrize(("count", "sets"), [(19, 150), (39, 75)])
def test_a_threshold_on_held_out_scores_keeps_its_budget_of_fresh_parts(count, sets, cells):
    """On average over good sets; fresh parts are judged by the limits of all, as on the line."""
    random, budget = np.random.default_rng(5), 0.05
    rejected = []
    for _ in range(sets):
        good, fresh = (of_a_grid(random, parts)[:, :cells] for parts in (count, 100))
        found = calibration.threshold(held_out(good).tolist(), budget)
        assert found.guaranteed
        rejected.append(float((Calibrated.of(good).scores(fresh) > found.value).mean()))
    assert stats.ttest_1samp(rejected, budget, alternative="greater").pvalue > 0.001
    assert stats.ttest_1samp(rejected, budget / 2, alternative="less").pvalue > 0.001, "no idle threshold"
