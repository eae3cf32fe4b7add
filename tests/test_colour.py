import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspector.colour import DEFAULT_TOLERANCE, NEON_GREEN, ColourHighlighter, Gamut, suggest_tolerance
from inspector.errors import ModelError


def as_view(image, kind):
    """The same pixels, or a part of them, laid out in memory in a way a camera driver might hand over."""
    return {
        "plain": image,
        "flipped": image[::-1, ::-1],
        "turned": image.transpose(1, 0, 2),
        "cropped": image[image.shape[0] // 2 :, image.shape[1] // 2 :],
        "strided": image[::2, ::3],
        "rgb": image[..., ::-1],
        "fortran": np.asfortranarray(image),
    }[kind]


kinds = st.sampled_from(["plain", "flipped", "turned", "cropped", "strided", "rgb", "fortran"])
sides = st.integers(1, 12)
# Few distinct values, so that colours of one image do occur in the other; the ends of the range are among them.
values = st.one_of(st.sampled_from([0, 1, 2, 127, 128, 254, 255]), st.integers(0, 255))
images = st.builds(as_view, arrays(np.uint8, st.tuples(sides, sides, st.just(3)), elements=values), kinds)


def noise(height, width, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (height, width, 3), dtype=np.uint8)


def colours(image):
    return {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}


def plain(level, side=20):
    return np.full((side, side, 3), level, np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.lists(images, max_size=3), images)
def test_without_tolerance_strange_means_in_no_good_part(good, image):
    seen = set().union(*map(colours, good))
    wanted = np.array([[tuple(pixel) not in seen for pixel in row] for row in image.tolist()])
    assert np.array_equal(ColourHighlighter(Gamut.of(good), 0).strange(image), wanted)


@settings(max_examples=40, deadline=None)
@given(images, images, st.integers(0, 20))
def test_tolerance_is_the_largest_difference_of_any_channel(good, image, tolerance):
    seen = good.reshape(-1, 3).astype(int)
    distance = np.abs(image[:, :, None].astype(int) - seen).max(axis=-1).min(axis=-1)
    assert np.array_equal(ColourHighlighter(Gamut.of([good]), tolerance).strange(image), distance > tolerance)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70_000), (70_000, 1), (300, 517), (1024, 1024)])
def test_large_and_long_images_agree_with_the_definition(shape):
    image = noise(*shape, seed=1)
    good = image[: shape[0] // 2 + 1, : shape[1] // 2 + 1]
    packed = image.astype(np.int64) @ (1, 256, 65536)
    known = good.astype(np.int64) @ (1, 256, 65536)
    wanted = ~np.isin(packed, known)
    assert np.array_equal(ColourHighlighter(Gamut.of([good]), 0).strange(image), wanted)


def test_channels_are_not_mixed_up():
    highlighter = ColourHighlighter(Gamut.of([np.full((1, 1, 3), (10, 100, 200), np.uint8)]), 5)
    shades = np.array([[(10, 100, 200), (200, 100, 10), (15, 95, 205), (16, 100, 200), (10, 94, 200)]], np.uint8)
    assert highlighter.strange(shades).tolist() == [[False, True, False, True, True]]


@given(images)
@settings(max_examples=20, deadline=None)
def test_good_parts_stay_as_they_are(image):
    assert np.array_equal(ColourHighlighter(Gamut.of([image]), 0).enhance(image), image)


@pytest.mark.parametrize("kind", ["plain", "flipped", "turned", "cropped", "strided", "rgb", "fortran"])
def test_strange_pixels_and_no_others_turn_green(kind):
    image = as_view(noise(600, 401), kind)
    before = image.copy()
    highlighter = ColourHighlighter(Gamut.of([image[:, :100]]), 2)
    mask = highlighter.strange(image)
    painted = highlighter.enhance(image)
    assert 0 < mask.mean() < 1
    assert (painted[mask] == NEON_GREEN).all()
    assert np.array_equal(painted[~mask], image[~mask])
    assert np.array_equal(image, before)
    assert not np.shares_memory(painted, image)


def test_a_mask_given_is_painted_as_given():
    image = noise(200, 333)
    mask = np.random.default_rng(0).random((333, 200)).T > 0.5  # not contiguous
    painted = ColourHighlighter(Gamut.of([image]), 0).enhance(image, mask)
    assert np.array_equal((painted == NEON_GREEN).all(axis=-1), mask | (image == NEON_GREEN).all(axis=-1))
    assert np.array_equal(painted[~mask], image[~mask])


def test_nothing_known_makes_everything_strange():
    assert ColourHighlighter(Gamut.of([]), 255).strange(noise(9, 9)).all()


def test_full_tolerance_makes_nothing_strange():
    assert not ColourHighlighter(Gamut.of([plain(0)]), 255).strange(noise(9, 9)).any()


@pytest.mark.parametrize("tolerance", [-1, 256])
def test_impossible_tolerance_is_refused(tolerance):
    with pytest.raises(ValueError, match="wanted 0 to 255"):
        ColourHighlighter(Gamut.of([]), tolerance)


def test_gamut_counts_distinct_colours():
    image = noise(50, 50, high=4)
    assert len(Gamut.of([image, image])) == len(colours(image))
    assert len(Gamut.of([])) == 0


def test_union_knows_the_colours_of_both():
    first, second = noise(40, 40, seed=1), noise(40, 40, seed=2)
    union = Gamut.of([first]) | Gamut.of([second])
    assert np.array_equal(union.bits, Gamut.of([first, second]).bits)
    assert len(union) == len(colours(first) | colours(second))


def test_gamut_survives_the_model_file():
    gamut = Gamut.of([noise(100, 100), plain(0), plain(255)])
    data = gamut.to_bytes()
    assert np.array_equal(Gamut.from_bytes(data).bits, gamut.bits)
    assert len(data) < len(gamut.bits) / 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not compressed",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data + b"x",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: zlib.compress(b"short"),
        lambda data: zlib.compress(bytes(2**21 + 1)),
    ],
)
def test_damaged_gamut_is_one_line_for_the_user(damage):
    with pytest.raises(ModelError, match="colour gamut") as error:
        Gamut.from_bytes(damage(Gamut.of([noise(30, 30)]).to_bytes()))
    assert "\n" not in str(error.value)


def test_gamut_cannot_be_changed():
    for gamut in (Gamut.of([]), Gamut.of([]) | Gamut.of([]), Gamut.from_bytes(Gamut.of([]).to_bytes())):
        with pytest.raises(ValueError, match="read-only"):
            gamut.bits[0] = 1


def test_equal_good_parts_need_no_tolerance():
    assert suggest_tolerance([noise(50, 50)] * 5) == 0


def test_suggestion_is_the_step_between_good_parts():
    """Five greys three apart: each one held out lies three from its nearest neighbour."""
    assert suggest_tolerance([plain(100 + 3 * i) for i in range(5)]) == 3


def test_suggestion_leaves_out_one_pixel_in_ten_thousand_but_not_two():
    good = [plain(100, side=100) for _ in range(5)]
    good[3][0, 0] = 105
    assert suggest_tolerance(good) == 0
    good[3][0, 1] = 105
    assert suggest_tolerance(good) == 5


def test_few_good_parts_never_get_less_than_the_default():
    assert suggest_tolerance([]) == suggest_tolerance([plain(1)]) == DEFAULT_TOLERANCE
    assert suggest_tolerance([plain(100), plain(101)]) == DEFAULT_TOLERANCE
    assert suggest_tolerance([plain(100), plain(110)]) == 10


def test_suggestion_ends_at_sixteen():
    assert suggest_tolerance([plain(40 * i) for i in range(6)]) == 16


def test_suggestion_looks_at_good_parts_from_the_whole_set():
    """More images than are sampled: the last ones must count as much as the first."""
    alike, unlike = [plain(0, side=4)] * 390, [plain(50 + 20 * i, side=4) for i in range(10)]
    assert suggest_tolerance(alike) == 0
    assert suggest_tolerance(alike + unlike) == suggest_tolerance(unlike + alike) == 16
