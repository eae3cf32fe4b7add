"""Contrast and colour: what is too small, or too little but a colour, for the backbone."""

import cv2
import numpy as np
import pytest
import torch

from export.learn.detail import BLOCK, DARK, DetailFront, fit_colour, fit_contrast

SHAPE = (128, 192)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def smooth(seed, shape=SHAPE, lamp=0.0):
    """A softly shaded surface, with the noise of a camera."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return camera(130 + 25 * np.sin(x / 40) + 20 * np.cos(y / 50) + lamp, seed)


def camera(brightness, seed):
    noise = np.random.default_rng(seed).normal(0, 2, (*brightness.shape, 3))
    return np.clip(brightness[..., None] * [0.96, 1.0, 1.03] + noise, 0, 255).round().astype(np.uint8)


def with_edge(seed, shape=SHAPE):
    """A dark and a bright half; where the edge lies differs by up to a pixel either way."""
    x = np.arange(shape[1]) + np.random.default_rng(1000 + seed).uniform(-1, 1)
    return camera(np.broadcast_to(60 + 120 * np.clip(x - shape[1] / 2, 0, 1), shape), seed)


def spotted(picture, place, change, side=8):
    """A copy with a square, of which `place` (row, column) is the upper left corner, changed by gray levels (BGR)."""
    row, col = place
    odd = picture.astype(int)
    odd[row : row + side, col : col + side] += np.array(change)
    return np.clip(odd, 0, 255).astype(np.uint8)


class Watched:
    """What is strange about a picture, compared with good ones: maps of contrast and of colour, (h / 8, w / 8)."""

    def __init__(self, good):
        contrast, colour = self._seen(good)
        self._contrast, self._colour = fit_contrast(contrast), fit_colour(colour)

    def contrast(self, *pictures):
        return self._contrast(self._seen(pictures)[0]).numpy()

    def colour(self, *pictures):
        return self._colour(self._seen(pictures)[1]).numpy()

    @staticmethod
    def _seen(pictures):
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
        return DetailFront()(pixels, torch.nn.functional.avg_pool2d(pixels, 2))


def clearly_above(found, good):
    """By a deviation of the good ones' at least, (n, h, w) each: the highest of each is compared."""
    highest = good.max((1, 2))
    return found.max((1, 2)).min() > highest.max() + highest.std()


def covers(found, place, side=8):
    """Whether the strangest block holds a piece of the square, or of its surroundings of two pixels."""
    block = np.array(np.unravel_index(found.argmax(), found.shape)) * BLOCK
    return bool(np.all((block < np.array(place) + side + 2) & (block + BLOCK > np.array(place) - 2)))


@pytest.fixture(scope="module")
def surface():
    with torch.no_grad():
        return Watched([smooth(seed) for seed in range(20)])


FRESH = [smooth(seed) for seed in range(100, 120)]
PLACES = [(40, 80), (61, 99), (0, 0), (120, 184), (2, 101), (91, 3)]  # also at the picture's border


# ---- what the front sees


def test_contrast_is_each_pixels_luminance_less_the_mean_of_the_25_around_it():
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    gray = picture.astype(np.float32).mean(2)
    contrast, _ = Watched._seen([picture])
    wanted = gray - cv2.blur(gray, (5, 5))
    np.testing.assert_allclose(contrast[0, 0, 2:-2, 2:-2].numpy(), wanted[2:-2, 2:-2], atol=1e-3)  # where there are 25


def test_a_block_of_another_colour_than_those_around_it_has_that_colour():
    picture = np.full((64, 96, 3), 100, np.uint8)
    picture[24:32, 40:48] = (110, 100, 90)
    _, colour = Watched._seen([picture])
    ratios = 100 * np.log((np.array([110, 100, 90]) + DARK) / (100 + DARK))  # in per cent, about
    np.testing.assert_allclose(colour[0, :, 3, 5].numpy(), ratios * 24 / 25, atol=1e-3)
    np.testing.assert_allclose(colour[0, :, 3, 6].numpy(), -ratios / 25, atol=1e-3)


# ---- small defects


@pytest.mark.parametrize("change", [14, -14])
@pytest.mark.parametrize("place", PLACES)
def test_a_small_spot_of_low_contrast_is_found_at_its_place(surface, place, change):
    found = surface.contrast(*(spotted(picture, place, change) for picture in FRESH))
    assert clearly_above(found, surface.contrast(*FRESH))
    assert all(covers(one, place) for one in found)
    assert found.max((1, 2)).min() > 1


@pytest.mark.parametrize("place", PLACES)
def test_a_coloured_spot_that_is_as_bright_as_its_surroundings_is_found_by_its_colour_alone(surface, place):
    odd = [spotted(picture, place, (12, 0, -12), side=12) for picture in FRESH]
    found = surface.colour(*odd)
    assert clearly_above(found, surface.colour(*FRESH))
    assert all(covers(one, place, side=12) for one in found)
    np.testing.assert_allclose(surface.contrast(*odd), surface.contrast(*FRESH), atol=1e-4)


# ---- what must not matter


@pytest.mark.parametrize("lamp", [0.8, 1.2])
def test_how_bright_the_lamp_is_matters_little_even_at_an_edge(lamp):
    watched = Watched([with_edge(seed) for seed in range(20)])
    usual = [with_edge(seed) for seed in range(100, 110)]
    other = [np.clip(lamp * picture, 0, 255).astype(np.uint8) for picture in usual]
    for seen in (watched.contrast, watched.colour):
        assert seen(*other).max() < 1.3 * seen(*usual).max()


def test_an_edge_that_lies_a_little_differently_on_each_part_is_not_strange_nor_hides_a_spot_beside_it():
    watched = Watched([with_edge(seed) for seed in range(30)])
    fresh = [with_edge(seed) for seed in range(100, 130)]
    usual = watched.contrast(*fresh)
    edge = usual[:, :, SHAPE[1] // 2 // BLOCK - 1 : SHAPE[1] // 2 // BLOCK + 1]
    assert edge.max() < 1.2
    odd = [spotted(picture, (60, 120), 14) for picture in fresh]
    found = watched.contrast(*odd)
    assert clearly_above(found, usual)
    assert all(covers(one, (60, 120)) for one in found)


def test_an_edge_where_no_good_part_has_one_is_strange():
    watched = Watched([with_edge(seed) for seed in range(30)])
    moved = np.roll(with_edge(100), 12, axis=1)
    assert watched.contrast(moved)[0, 2:-2, 13].min() > 3


# ---- few parts, odd shapes


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_good_parts_are_enough(count):
    watched = Watched([smooth(seed) for seed in range(count)])
    for strange in (watched.contrast, watched.colour):
        found = strange(*FRESH)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
    assert clearly_above(watched.contrast(*(spotted(one, (40, 80), 60) for one in FRESH)), watched.contrast(*FRESH))
    odd = [spotted(one, (40, 80), (60, 0, -60), side=16) for one in FRESH]
    assert clearly_above(watched.colour(*odd), watched.colour(*FRESH))


@pytest.mark.parametrize("count", [1, 5])
def test_good_parts_that_never_differ_leave_room_for_a_gray_level(count):
    flat = np.full((*SHAPE, 3), 77, np.uint8)
    watched = Watched([flat] * count)
    for lamp in (0, 50):
        assert max(watched.contrast(flat + lamp).max(), watched.colour(flat + lamp).max()) < 1e-3
    assert 0 < watched.contrast(spotted(flat, (40, 80), 1)).max() <= 1
    assert watched.contrast(spotted(flat, (40, 80), 9)).max() > 1


@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (320, 64)])
def test_maps_have_the_pictures_shape_place_by_place(shape):
    watched = Watched([smooth(seed, shape) for seed in range(6)])
    place = (shape[0] - 17, 13)
    odd = spotted(smooth(50, shape), place, (60, 0, 30), side=12)
    for strange in (watched.contrast, watched.colour):
        (found,) = strange(odd)
        assert found.shape == (shape[0] // BLOCK, shape[1] // BLOCK)
        assert covers(found, place, side=12)
