"""From what a model says to a verdict."""

import math

import numpy as np
import pytest

from inspector.inspection import part_score, patch_scores, verdict_of
from inspector.records import Prediction, Verdict


def found(*scores, side=32):
    """Of quiet patches with these scores."""
    return Prediction(np.zeros((len(scores), side, side), np.float32), np.array(scores, np.float32))


def test_a_patch_has_the_score_the_model_gives_it():
    assert patch_scores(found(0.5, 2, 0)).tolist() == [0.5, 2, 0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", [1, 32])
def test_a_patch_whose_map_holds_something_that_is_no_number_has_no_score_and_the_others_keep_theirs(bad, side):
    one = found(0.5, 2, 0, side=side)
    one.maps[1, side // 2, side - 1] = bad
    np.testing.assert_array_equal(patch_scores(one), [0.5, math.nan, 0])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_no_number_stays_one(bad):
    np.testing.assert_array_equal(patch_scores(found(0.5, bad)), np.array([0.5, bad], np.float32))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_part_passes_no_threshold_while_one_cell_of_one_patch_is_no_number(bad):
    one = found(0.5, 2, 0)
    one.maps[2, 5, 5] = bad
    score = part_score(patch_scores(one).reshape(1, 3))
    assert verdict_of(score, threshold=1000) is Verdict.FAIL


def test_the_part_is_as_strange_as_its_strangest_patch():
    assert part_score(np.array([[0.1, 4], [2, 0]], np.float32)) == 4
    assert math.isnan(part_score(np.array([[0.1, math.nan], [2, 0]], np.float32)))


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (0, Verdict.PASS),
        (2, Verdict.PASS),
        (2.000001, Verdict.FAIL),
        (math.inf, Verdict.FAIL),
        (math.nan, Verdict.FAIL),
    ],
)
def test_a_part_may_be_as_strange_as_the_threshold_and_not_stranger(score, verdict):
    assert verdict_of(score, threshold=2) is verdict


def test_nothing_passes_a_threshold_that_is_no_number():
    assert verdict_of(0, math.nan) is Verdict.FAIL
