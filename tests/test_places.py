"""Gaussians for each place, and what a good part would score had it not been learned from."""

import pytest
import torch

from export.learn import places
from export.learn.places import LeaveOut


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def features(count, channels=24, side=6, seed=0):
    """Good parts: a mean for each place, and noise that is correlated among neighbours and channels."""
    random = torch.Generator().manual_seed(seed)
    mean = 3 * torch.randn(channels, side, side, generator=torch.Generator().manual_seed(99))
    mixing = torch.randn(channels, channels, generator=torch.Generator().manual_seed(98)) / channels**0.5
    noise = torch.randn(count, channels, side, side, generator=random)
    return mean + torch.einsum("ij,njhw->nihw", mixing, noise)


@pytest.mark.parametrize("count", [30, 100, 400])
@pytest.mark.parametrize("rows", [1, 4])
def test_leaving_out_rows_is_the_same_as_never_having_had_them(count, rows):
    good = features(count)
    left_out = LeaveOut(good, rows)(good[:rows], good[:rows])
    refitted = places.fit(good[rows:])(good[:rows])
    torch.testing.assert_close(left_out, refitted, rtol=0.04, atol=0)
    assert left_out.mean() > 1.02 * places.fit(good)(good[:rows]).mean()


def test_a_part_that_is_left_out_scores_like_one_that_is_new():
    good, fresh = features(40), features(200, seed=1)
    leave_out = LeaveOut(good, 1)
    left_out = torch.cat([leave_out(good[[part]], good[[part]]) for part in range(40)])
    new = places.fit(good)(fresh)
    assert left_out.mean() == pytest.approx(float(new.mean()), rel=0.05)


def test_a_copy_with_a_defect_is_judged_without_its_original():
    good = features(40)
    defective = good[:1].clone()
    defective[..., 3, 4] += 4
    found = LeaveOut(good, 1)(defective, good[:1])
    refitted = places.fit(good[1:])(defective)
    torch.testing.assert_close(found, refitted, rtol=0.04, atol=0)
    row, col = divmod(int(found[0].argmax()), 6)
    assert max(abs(row - 3), abs(col - 4)) <= 1, "averaged with its neighbours"


def test_what_is_right_at_one_place_is_strange_at_another():
    good = features(60)
    moved = features(1, seed=5)
    moved[..., 0, 0], moved[..., 5, 5] = moved[..., 5, 5].clone(), moved[..., 0, 0].clone()
    found = places.fit(good)(moved)[0]
    assert min(found[0, 0], found[5, 5]) > 1.5 * found[2:4, 2:4].max()


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("constant", [False, True])
def test_a_few_parts_or_parts_that_never_vary_give_numbers(count, constant):
    good = torch.zeros(count, 24, 6, 6) if constant else features(count)
    leave_out = LeaveOut(good, 1)
    for found in (places.fit(good)(features(2, seed=3)), leave_out(good[:1], good[:1])):
        assert torch.isfinite(found).all()
        assert (found >= 0).all()
