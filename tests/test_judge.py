"""From an anomaly map to a verdict."""

import math

import numpy as np
import pytest

from inspector import judge
from inspector.records import Verdict


def maps(*values, side=32):
    return np.stack([np.full((side, side), value, np.float32) for value in values])


def test_a_flat_map_scores_its_value():
    assert judge.patch_scores(maps(0.5, 2, 0)).tolist() == [0.5, 2, 0]


def test_one_hot_cell_counts_for_little_and_a_small_defect_for_all():
    noise, defect = maps(1, 1)
    noise[3, 3] = 100
    defect[3:8, 3:8] = 100  # 25 of 1024 cells
    scores = judge.patch_scores(np.stack([noise, defect]))
    assert scores[0] < 15
    assert scores[1] == 100


def test_a_map_of_a_single_cell_has_a_score():
    assert judge.patch_scores(maps(3, side=1)).tolist() == [3]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_cell_that_is_no_number_is_never_averaged_away(bad):
    one = maps(1)
    one[0, 5, 5] = bad
    assert not math.isfinite(judge.part_score(judge.patch_scores(one)))


def test_the_part_is_as_strange_as_its_strangest_patch():
    assert judge.part_score(np.array([[0.1, 4], [2, 0]], np.float32)) == 4
    assert math.isnan(judge.part_score(np.array([[0.1, math.nan], [2, 0]], np.float32)))


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
    assert judge.verdict(score, threshold=2) is verdict


def test_nothing_passes_a_threshold_that_is_no_number():
    assert judge.verdict(0, math.nan) is Verdict.FAIL
