"""The pixel autoencoder, on small patterns."""

import copy

import numpy as np
import pytest
import torch

from export.learn import pixel

SIDE = 32


@pytest.fixture(scope="module")
def patches():
    """Stripes of one width and direction at any phase, (24, 3, SIDE, SIDE) in 0..1."""
    random = np.random.default_rng(0)
    across = np.arange(SIDE)[None, None, :] / 8 * np.pi
    stripes = 0.5 + 0.3 * np.sin(across + random.uniform(0, 2 * np.pi, (24, 1, 1))) + np.zeros((1, SIDE, 1))
    coloured = stripes[:, None] * np.array([0.6, 0.8, 1.0])[:, None, None]
    return torch.from_numpy((coloured + random.normal(0, 0.01, coloured.shape)).clip(0, 1)).float()


@pytest.fixture(scope="module")
def model(patches):
    return pixel.fit(patches, epochs=30, seed=0)


def error(model, patches):
    with torch.no_grad():
        return float((model.reconstruct(patches) - patches).square().mean())


def test_it_learns_to_reconstruct_good_parts(model, patches):
    barely = pixel.fit(patches, epochs=1, seed=0)
    assert error(model, patches) < 0.3 * error(barely, patches)
    assert error(model, patches) < 0.5 * float((patches - patches.mean(0)).square().mean())


def test_a_map_is_in_units_of_the_usual_error(model, patches):
    maps, _, _ = model(patches)
    assert maps.shape == (24, SIDE // 4, SIDE // 4)
    assert float(maps.mean()) == pytest.approx(1, rel=1e-3)
    assert maps.min() >= 0


def test_scores_and_maps_are_in_units_of_the_limit_once_it_is_set(model, patches):
    maps, scores, _ = model(patches)
    limited = copy.deepcopy(model)
    limited.limits.fill_(2.5)
    found = limited(patches)
    torch.testing.assert_close(2.5 * found[0], maps)
    torch.testing.assert_close(2.5 * found[1], scores)
    torch.testing.assert_close(limited.components(patches), scores[:, None])
    assert ((scores > maps.mean((1, 2))) & (scores <= maps.amax((1, 2)))).all()


def test_what_it_has_not_seen_is_strange_at_its_place(model, patches):
    defective = patches[:1].clone()
    defective[..., 8:12, 20:24] = torch.tensor([1.0, 0.0, 1.0])[:, None, None]
    before, after = model(patches[:1])[0][0], model(defective)[0][0]
    assert int(after.argmax()) == 2 * (SIDE // 4) + 5
    assert after.max() > 5 * before.max()


def test_same_seed_same_model_and_another_seed_another(patches):
    one, same, other = (pixel.fit(patches, epochs=2, seed=seed) for seed in (4, 4, 5))
    torch.testing.assert_close(one(patches)[0], same(patches)[0], rtol=0, atol=0)
    assert not torch.allclose(one(patches)[0], other(patches)[0], rtol=0.01)


def test_the_pictures_are_the_patch_and_its_reconstruction_in_the_patchs_own_colours(model, patches):
    given = (255 * patches[:3]).round().to(torch.uint8).permute(0, 2, 3, 1)
    *_, reconstructions = pixel.PixelModel(pixel.Scale(), model)(given)
    assert reconstructions.shape == (3, 2, SIDE, SIDE, 3)
    assert reconstructions.dtype == torch.uint8
    assert (reconstructions[:, 0].int() - given.int()).abs().max() <= 1
    colours = reconstructions[:, 1].float().mean((0, 1, 2))
    assert colours[0] < colours[1] < colours[2], "as the stripes are: more red than blue"


def test_progress_is_told_after_each_epoch(patches):
    told = []
    pixel.fit(patches[:2], epochs=3, seed=0, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
