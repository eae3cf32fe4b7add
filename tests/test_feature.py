"""The feature autoencoder, on features whose statistics are known by construction."""

import numpy as np
import pytest
import torch

from export.learn import feature, levels
from export.learn.feature import Choice

CHANNELS, SIDE = 24, 8


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


class Parts:
    """Good parts: a mean for each place, a few ways in which whole parts differ, and correlated noise everywhere."""

    def __init__(self, seed=0, ways=0, spread=5.0, noise=1.0):
        random = torch.Generator().manual_seed(seed)
        self.mean = spread * torch.randn(CHANNELS, SIDE, SIDE, generator=random)
        self.ways = 3 * torch.randn(ways, CHANNELS, SIDE, SIDE, generator=random)
        self._mixing = noise * torch.randn(CHANNELS, CHANNELS, generator=random) / CHANNELS**0.5
        self._random = random

    def draw(self, count):
        codes = torch.randn(count, len(self.ways), generator=self._random)
        noise = torch.randn(count, CHANNELS, SIDE, SIDE, generator=self._random)
        mixed = torch.einsum("ij,njhw->nihw", self._mixing, noise)
        return self.mean + torch.einsum("nk,kchw->nchw", codes, self.ways) + mixed


def learned_from(features, bottleneck=0, joint=False):
    """A head for one level of features (n, c, h, w)."""
    return feature.fit(features.flatten(1), shapes(features), Choice(bottleneck, joint))


def shapes(features):
    return [tuple(features.shape[1:])]


def maps(model, features):
    """Less what good parts have on average."""
    return torch.relu(model(features.flatten(1))[0] - 1)


def beside(found, row, col):
    """The strangest place is that one or its neighbour, with which it is averaged."""
    top, left = divmod(int(found.argmax()), found.shape[-1])
    return max(abs(top - row), abs(left - col)) <= 1


def bottleneck_for(features, seed=0):
    return feature.choose_bottleneck(features.flatten(1), shapes(features), seed)


def test_a_right_feature_at_the_wrong_place_is_stranger_than_at_its_own():
    parts = Parts()
    model = learned_from(parts.draw(40), 0)
    right = parts.draw(1)
    wrong = right.clone()
    wrong[..., 0, 0], wrong[..., 7, 7] = right[..., 7, 7], right[..., 0, 0]
    before, after = maps(model, right)[0], maps(model, wrong)[0]
    assert before.max() < 1
    assert min(after[0, 0], after[7, 7]) > 3
    elsewhere = torch.ones(SIDE, SIDE, dtype=torch.bool)
    elsewhere[:2, :2] = elsewhere[6:, 6:] = False  # a place is averaged with its neighbours
    torch.testing.assert_close(after[elsewhere], before[elsewhere])


def test_where_position_means_nothing_a_moved_feature_is_as_good_as_before():
    parts = Parts(spread=0)  # a texture: the same everywhere but for the noise
    model = learned_from(parts.draw(4), 0)
    moved = parts.draw(50)
    rolled = moved.roll((3, 2), (2, 3))
    assert maps(model, rolled).mean() == pytest.approx(float(maps(model, moved).mean()), rel=0.1)


@pytest.mark.parametrize(("count", "spread"), [(200, 5.0), (200, 0.0), (40, 5.0)])
def test_good_parts_residuals_are_whitened_to_about_one(count, spread):
    """A map is the root mean square of the whitened residual, less 1; a tenfold residual keeps it clear of zero."""
    parts = Parts(spread=spread)
    learned = parts.draw(count)
    model = learned_from(learned, 0)
    mean = learned.mean(0)
    whitened_error = (maps(model, mean + 10 * (parts.draw(100) - mean)) + 1) / 10
    assert float(whitened_error.square().mean().sqrt()) == pytest.approx(1, rel=0.15)
    low, high = np.quantile(whitened_error.numpy(), [0.05, 0.95])
    assert 0.6 < low < high < 1.4


def test_a_deviation_in_a_quiet_direction_is_stranger_than_one_as_large_in_a_loud_direction():
    parts = Parts()
    parts._mixing = torch.diag(torch.tensor([4.0, 0.5] * (CHANNELS // 2)))
    model = learned_from(parts.draw(100), 0)
    loud, quiet = parts.mean[None].clone(), parts.mean[None].clone()
    loud[:, 0] += 8
    quiet[:, 1] += 8
    assert maps(model, quiet).min() > 2 * maps(model, loud).max()


@pytest.mark.parametrize("count", [2, 3, 4, 12, 40, 120])
def test_noise_gets_no_bottleneck(count):
    noise = torch.randn(count, CHANNELS, 16, 16, generator=torch.Generator().manual_seed(count))
    assert bottleneck_for(noise + Parts().mean.repeat(1, 2, 2)) == 0


@pytest.mark.parametrize(("ways", "wanted"), [(1, 1), (2, 2), (3, 4), (7, 8)])
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_that_differ_in_a_few_ways_get_a_bottleneck_as_wide(ways, wanted, seed):
    assert bottleneck_for(Parts(ways=ways).draw(60), seed) == wanted


def test_what_good_parts_show_passes_the_bottleneck_and_a_defect_does_not():
    parts = Parts(ways=2)
    learned = parts.draw(60)
    model = learned_from(learned, bottleneck_for(learned))
    strong = parts.mean + 2.5 * parts.ways[0] - 2 * parts.ways[1]  # more than most, in the ways of good parts
    defect = parts.mean.clone()
    defect[:, 3, 5] += 20 * torch.randn(CHANNELS, generator=torch.Generator().manual_seed(5))
    usual, defective = maps(model, torch.stack([strong, defect]))
    assert usual.max() < 1
    assert beside(defective, 3, 5)
    assert defective.max() > 5
    without = maps(learned_from(learned, 0), defect[None])
    assert defective.max() > 1.5 * without.max(), "a bottleneck makes the defect stand out more"


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("bottleneck", [0, 32])
def test_a_few_parts_are_enough_to_learn_from(count, bottleneck):
    parts = Parts()
    learned = parts.draw(count)
    model = learned_from(learned, bottleneck)
    assert model.bottleneck <= count - 1
    fresh, odd = parts.draw(1), parts.draw(1)
    odd[..., 2:4, 2:4] += 60
    for found in (maps(model, learned), maps(model, fresh), maps(model, odd)):
        assert torch.isfinite(found).all()
        assert (found >= 0).all()
    assert maps(model, odd)[0, 2:4, 2:4].mean() > 2 * maps(model, fresh)[0, 2:4, 2:4].mean()


def test_features_that_never_vary_do_no_harm():
    learned = Parts().draw(20)
    learned[:, :3] = 7
    model = learned_from(learned, 2)
    assert torch.isfinite(maps(model, learned)).all()


@pytest.mark.parametrize("shape", [(4, 4), (8, 4), (4, 12), (32, 32)])
def test_maps_have_the_shape_of_the_features_place_by_place(shape):
    random = torch.Generator().manual_seed(0)
    learned = torch.randn(12, 6, *shape, generator=random)
    odd = learned[:1].clone()
    odd[..., shape[0] - 1, 1] += 50
    found, reconstructions = learned_from(learned, 0)(odd.flatten(1))
    assert found.shape == (1, *shape)
    assert beside(found[0], shape[0] - 1, 1)
    assert reconstructions.shape == (1, 2, *shape, 3)
    assert reconstructions.dtype == torch.uint8


def test_without_a_bottleneck_every_part_is_reconstructed_as_the_same_mean():
    parts = Parts()
    model = learned_from(parts.draw(30), 0)
    seen, reconstruction = model(parts.draw(2).flatten(1))[1].unbind(1)
    assert (seen[0] != seen[1]).any()
    assert (reconstruction[0] == reconstruction[1]).all()


def test_learning_is_the_same_every_time():
    learned = Parts(ways=3).draw(40)
    one, other = (learned_from(learned.clone(), 4) for _ in range(2))
    assert bottleneck_for(learned, 3) == bottleneck_for(learned.clone(), 3)
    torch.testing.assert_close(maps(one, learned), maps(other, learned), rtol=0, atol=0)


@pytest.mark.parametrize("joint", [False, True])
def test_levels_of_different_resolution_make_one_map_at_the_finest(joint):
    random = torch.Generator().manual_seed(0)
    shapes = [(4, 16, 16), (6, 8, 8), (8, 4, 4)]
    rows = torch.randn(20, sum(c * h * w for c, h, w in shapes), generator=random)
    odd = rows[:1].clone()
    levels.split(odd, shapes)[1][..., 2, 5] += 30  # of the middle level: rows 4 and 5, columns 10 and 11 of the map
    found, reconstructions = feature.fit(rows, shapes, Choice(2, joint))(odd)
    assert found.shape == (1, 16, 16)
    assert reconstructions.shape == (1, 2, 8, 8, 3)
    top, left = divmod(int(found.argmax()), 16)
    assert abs(top - 4.5) <= 2.5
    assert abs(left - 10.5) <= 2.5


@pytest.mark.parametrize("pooled", [0.0, 1.0])
def test_a_place_where_good_parts_vary_excuses_more_unless_the_covariance_is_pooled(pooled):
    random = torch.Generator().manual_seed(1)
    learned = torch.randn(200, 6, 8, 8, generator=random)
    learned[:, :, :4] *= 5  # the upper half varies
    odd = torch.zeros(1, 6, 8, 8)
    odd[..., 1, 3] = odd[..., 6, 3] = 30
    found = maps(feature.fit(learned.flatten(1), shapes(learned), Choice(0, False, pooled)), odd)[0]
    ratio = found[5:, 2:5].max() / found[:3, 2:5].max()
    assert bool(ratio > 2) is (pooled == 0.0)
