"""What a threshold catches of synthetic defects, and the point that costs least."""

import numpy as np
import pytest

from export.learn import catch
from export.learn.catch import Defect

GOOD = np.linspace(0.2, 1, 300).tolist()
SMALL, LARGE = 0.001, 0.01


def defects(*scores, share=LARGE, kind="scratch"):
    return [Defect(kind, share, score) for score in scores]


def test_a_looser_budget_catches_more_and_large_and_small_ones_are_told_apart():
    points = catch.curve(GOOD, defects(*np.linspace(0.9, 2, 30)) + defects(*np.linspace(0, 1.1, 30), share=SMALL))
    assert [point.budget for point in points] == [0.01, 0.02, 0.05, 0.1, 0.25]
    assert points[0].large > points[0].small
    assert points[-1].small > points[0].small
    assert points[-1].threshold < points[0].threshold
    assert "at 1% false rejects about" in points[0].words


def test_budgets_that_nothing_guarantees_have_no_point():
    assert [point.budget for point in catch.curve(GOOD[:30], defects(*[1.0] * 30))] == [0.05, 0.1, 0.25]


def test_a_few_defects_say_nothing():
    assert catch.curve(GOOD, defects(*[1.0] * 19)) == []


def test_the_share_of_each_kind():
    found = catch.by_kind(defects(0.5, 1.5) + defects(2, 3, kind="blur"), 1.0)
    assert found == {"blur": 1.0, "scratch": 0.5}


@pytest.mark.parametrize(("cost", "budget"), [(0.1, 0.01), (1000, 0.25)])
def test_the_more_an_escape_costs_the_more_false_rejects_are_allowed(cost, budget):
    many = defects(*np.linspace(0.85, 1.05, 60))
    assert catch.cheapest(catch.curve(GOOD, many), many, cost).budget == budget
