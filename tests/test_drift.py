"""Good parts of a later day beside those of the training day."""

import numpy as np
import pytest

from export.learn.drift import Drift

BEFORE = np.random.default_rng(0).gamma(9, 0.05, 200).tolist()


def drift(now, threshold=0.9):
    return Drift(BEFORE, now, threshold, 0.02)


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_the_same_kind_show_no_drift(seed):
    rates, difference = drift(np.random.default_rng(seed + 1).gamma(9, 0.05, 80).tolist()).words
    assert "promised on the training day: at most 2.0%" in rates
    assert difference.startswith("no drift seen")


def test_stranger_parts_are_drift_and_the_lamp_is_named_before_the_threshold():
    now = (1.5 * np.random.default_rng(1).gamma(9, 0.05, 80)).tolist()
    rates, difference = drift(now).words
    rejected = sum(score > 0.9 for score in now)
    assert f"met now: {rejected} of 80" in rates
    assert difference.startswith("drift: good parts score higher")
    assert difference.index("lamp") < difference.index("threshold;")


def test_parts_that_vary_less_are_told_apart_from_stranger_ones():
    assert "less strange" in drift((0.5 * np.random.default_rng(1).gamma(9, 0.05, 80)).tolist()).words[1]


def test_a_handful_of_parts_says_nothing():
    assert drift([5.0] * 9).words == []
