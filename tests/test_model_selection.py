"""Choosing a head by synthetic defects, and the defects themselves."""

import numpy as np
import pytest
import torch
from drawn import nail, nudged

from export.learn import model_selection
from export.learn.feature import Choice
from export.learn.model_selection import SelectionSet
from export.learn.synthetic_defects import add_defect

SHAPES = [(6, 16, 16), (6, 8, 8), (6, 4, 4)]
D = sum(c * h * w for c, h, w in SHAPES)


def rows(count, seed, noise):
    """Features of good parts; `noise` (d) says how much each place varies."""
    return noise * torch.randn(count, D, generator=torch.Generator().manual_seed(seed))


def defective(good, size, top=0):
    """One place of the finest level changed in each."""
    out = good.clone()
    for number, row in enumerate(out):
        y, x = divmod(16 * top + 37 * number % (256 - 16 * top), 16)
        row[: 6 * 256].view(6, 16, 16)[:, y, x] += size
    return out


def test_a_covariance_of_its_own_is_chosen_where_some_places_vary_much_more_than_others():
    noise = torch.ones(D)
    noise[: 6 * 256].view(6, 16, 16)[:, :8] = 10  # the upper half; the defects are in the lower
    good = rows(40, 1, noise)
    found = model_selection.best(
        SelectionSet(rows(300, 0, noise), good, defective(good, 40.0, top=8), 1), SHAPES, Choice()
    )
    assert found.choice.pooled == 0


def test_the_usual_choice_stays_where_nothing_is_better():
    noise = torch.ones(D)
    good = rows(40, 1, noise)
    found = model_selection.best(SelectionSet(rows(120, 0, noise), good, defective(good, 20.0), 1), SHAPES, Choice(2))
    assert found.choice == Choice(2)


def test_the_better_of_two_trials_says_so():
    noise = torch.ones(D)
    good = rows(40, 1, noise)
    faint, plain = (
        model_selection.best(SelectionSet(rows(60, 0, noise), good, defective(good, s), 1), SHAPES, Choice())
        for s in (0.5, 20.0)
    )
    assert plain.auroc == pytest.approx(1)
    assert faint.auroc < 0.8


def test_a_part_of_several_patches_is_as_strange_as_its_strangest():
    noise = torch.ones(D)
    good = rows(40, 1, noise)
    bad = good.clone()
    bad[::2] = defective(good[::2], 20.0)  # one of two patches
    assert model_selection.best(
        SelectionSet(rows(60, 0, noise), good, bad, 2), SHAPES, Choice()
    ).auroc == pytest.approx(1)


@pytest.mark.parametrize("seed", range(12))
def test_a_spoiled_picture_differs_in_one_small_region_and_the_original_is_untouched(seed):
    image, other = (nail(pose, number) for number, pose in enumerate(nudged(2)))
    before = image.copy()
    found = add_defect(image, other, np.random.default_rng(seed))
    made = found.image
    assert (image == before).all()
    assert made.shape == image.shape
    assert made.dtype == np.uint8
    changed = (made != image).any(axis=2)
    assert changed.mean() < 0.1
    assert found.share == pytest.approx(changed.mean(), abs=0.03)
    again = add_defect(image, other, np.random.default_rng(seed)).image
    assert (made == again).all()
