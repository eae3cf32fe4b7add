import pickle

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.grid import Grid

sizes = st.integers(1, 400)
grids = st.builds(Grid, st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5]))


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("text", "grid"), [("2x3", Grid(2, 3)), ("8", Grid(8, 8)), (" 1 x 12 ", Grid(1, 12)), ("1x1", Grid(1, 1))]
)
def test_grid_is_parsed(text, grid):
    assert Grid.parse(text) == grid
    assert Grid.parse(str(grid)) == grid


def test_grid_reads_back_as_it_was_written():
    assert str(Grid(2, 3)) == "2x3"
    assert Grid.parse("2x3", overlap=0.25) == Grid(2, 3, 0.25)


@pytest.mark.parametrize("text", ["", "x", "2x", "x3", "2x3x4", "-1x2", "2.5", "two", "2*3", "2X3", "1" * 30])
def test_bad_text_says_what_is_wanted(text):
    with pytest.raises(ValueError, match="wanted ROWSxCOLUMNS such as 2x3"):
        Grid.parse(text)


@pytest.mark.parametrize("text", ["0", "0x3", "3x0"])
def test_empty_grid_is_refused(text):
    with pytest.raises(ValueError, match="at least 1x1"):
        Grid.parse(text)


@pytest.mark.parametrize("overlap", [-0.1, 0.51, float("nan")])
def test_overlap_out_of_range_is_refused(overlap):
    with pytest.raises(ValueError, match=r"from 0 to 0\.5"):
        Grid(2, 2, overlap)


def test_grid_is_hashable_and_picklable():
    grid = Grid(2, 3, 0.25)
    assert pickle.loads(pickle.dumps(grid)) == grid
    assert {grid: "here"}[Grid(2, 3, 0.25)] == "here"


def test_boxes_of_an_even_split_are_exact_and_go_row_by_row():
    assert Grid(2, 2).boxes(100, 60).tolist() == [[0, 0, 50, 30], [0, 30, 50, 60], [50, 0, 100, 30], [50, 30, 100, 60]]


@settings(deadline=None)
@given(grids, sizes, sizes)
def test_boxes_have_one_size_and_cover_every_pixel(grid, height, width):
    boxes = grid.boxes(height, width)
    covered = np.zeros((height, width), bool)
    for top, left, bottom, right in boxes:
        assert 0 <= top < bottom <= height
        assert 0 <= left < right <= width
        covered[top:bottom, left:right] = True
    assert covered.all()
    assert boxes.shape == (grid.patches, 4)
    assert boxes.dtype == np.int32
    assert len({(bottom - top, right - left) for top, left, bottom, right in boxes.tolist()}) == 1


@settings(deadline=None)
@given(grids, st.integers(100, 3000), st.integers(100, 3000))
def test_neighbours_share_the_overlap_to_two_pixels(grid, height, width):
    boxes = grid.boxes(height, width).reshape(grid.rows, grid.cols, 4)
    for first, second, low, high in [(boxes[:-1], boxes[1:], 0, 2), (boxes[:, :-1], boxes[:, 1:], 1, 3)]:
        side = first[..., high] - first[..., low]
        shared = first[..., high] - second[..., low]
        assert (shared >= 0).all()
        assert (np.abs(shared - grid.overlap * side) <= 2).all()


def test_boxes_cannot_be_changed_by_one_caller_for_all_others():
    with pytest.raises(ValueError, match="read-only"):
        Grid(2, 2).boxes(64, 64)[0, 0] = 7


@settings(deadline=None)
@given(grids, st.integers(1, 40))
def test_patches_of_the_boxes_size_are_the_images_pixels(grid, side):
    image = noise(side, side)
    single = Grid(1, 1).split(image, (side, side))
    assert np.array_equal(single, image[None])
    boxes = grid.boxes(side, side)
    top, left, bottom, right = boxes[0]
    if bottom - top == right - left:
        patches = grid.split(image, (int(bottom - top), int(bottom - top)))
        for (top, left, bottom, right), patch in zip(boxes, patches, strict=True):
            assert np.array_equal(patch, image[top:bottom, left:right])


@settings(deadline=None)
@given(grids, sizes, sizes, st.sampled_from([1, 7, 32, 64]))
def test_a_plain_image_gives_plain_patches_at_any_size(grid, height, width, patch):
    image = np.full((height, width, 3), (10, 120, 250), np.uint8)
    patches = grid.split(image, (patch, patch))
    assert patches.shape == (grid.patches, patch, patch, 3)
    assert (patches == (10, 120, 250)).all()


@settings(deadline=None)
@given(st.integers(64, 700), st.integers(64, 700))
def test_patches_keep_the_images_geometry(height, width):
    """A ramp over the image must be the same ramp over the patch, whatever way it is resized."""
    ramp = np.broadcast_to(np.linspace(0, 250, width)[None, :, None], (height, width, 3)).astype(np.uint8)
    patch = Grid(1, 1).split(np.ascontiguousarray(ramp), (64, 64))[0]
    wanted = (np.arange(64) + 0.5) / 64 * 250
    assert np.abs(patch[..., 0] - wanted).max() <= 250 / 64 + 3


@pytest.mark.parametrize(("height", "width"), [(512, 512), (900, 900), (901, 903), (300, 1400), (150, 1400)])
def test_fine_texture_does_not_alias(height, width):
    """A pattern of single pixels is finer than the patch can show: it must turn into its mean, not into stripes."""
    stripes = np.zeros((height, width, 3), np.uint8)
    stripes[:, ::2] = 255
    patch = Grid(1, 1).split(stripes, (128, 128))[0]
    assert np.abs(patch.astype(int) - 127).max() < 45
    assert Grid(1, 1).split(stripes, (128, 128)).mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize(("height", "width"), [(901, 901), (1023, 1200), (257, 511)])
def test_every_pixel_counts_also_the_last_row_of_an_odd_side(height, width):
    dark = np.zeros((height, width, 3), np.uint8)
    dark[-1, -1] = 255
    assert Grid(1, 1).split(dark, (256, 256))[0, -1, -1].max() > 0


def test_split_reads_views_like_copies():
    image = noise(300, 500)
    for view in (image[::-1], image[:, ::-1], image[10:200, 20:333], image.transpose(1, 0, 2)):
        assert np.array_equal(Grid(2, 3).split(view, (32, 32)), Grid(2, 3).split(view.copy(order="C"), (32, 32)))


@pytest.mark.parametrize("patch", [50, 64, 20])
def test_split_fills_a_slice_of_a_batch_and_nothing_else(patch):
    batch = np.full((8, patch, patch, 3), 99, np.uint8)
    image = noise(100, 100)
    given_back = Grid(2, 2).split(image, (patch, patch), out=batch[2:6])
    assert np.shares_memory(given_back, batch)
    assert np.array_equal(batch[2:6], Grid(2, 2).split(image, (patch, patch)))
    assert (batch[[0, 1, 6, 7]] == 99).all()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((3, 16, 16, 3), np.uint8),
        np.zeros((4, 16, 16, 3), np.float32),
        np.zeros((4, 16, 32, 3), np.uint8)[:, :, ::2],
    ],
)
def test_split_refuses_an_output_it_could_not_fill(out):
    with pytest.raises(ValueError, match="wanted contiguous uint8"):
        Grid(2, 2).split(noise(64, 64), (16, 16), out=out)


def test_split_leaves_the_image_alone():
    image = noise(90, 70)
    before = image.copy()
    Grid(3, 2, 0.3).split(image, (32, 32))
    assert np.array_equal(image, before)


def test_merge_of_one_patch_is_the_map_itself():
    maps = np.random.default_rng(0).random((1, 64, 64), np.float32)
    merged = Grid(1, 1).merge(maps, 30, 30)
    assert np.shares_memory(merged, maps)
    assert np.array_equal(merged, maps[0])


def test_merge_of_an_even_split_puts_the_maps_side_by_side():
    maps = np.random.default_rng(0).random((6, 8, 8), np.float32)
    merged = Grid(2, 3).merge(maps, 512, 768)
    assert np.array_equal(merged, np.vstack([np.hstack(list(maps[:3])), np.hstack(list(maps[3:]))]))


@settings(deadline=None)
@given(grids, sizes, sizes, st.integers(1, 40))
def test_merged_maps_cover_the_canvas_and_keep_the_peak(grid, height, width, side):
    maps = np.random.default_rng(side).random((grid.patches, side, side), np.float32)
    merged = grid.merge(maps, height, width)
    assert merged.dtype == np.float32
    assert np.isfinite(merged).all()
    assert merged.max() == maps.max()
    if grid.patches > 1:
        assert merged.shape[0] <= min(height, grid.rows * side)
        assert merged.shape[1] <= min(width, grid.cols * side)


@settings(deadline=None)
@given(grids, st.integers(20, 2000), st.integers(20, 2000), st.integers(1, 64))
def test_canvas_has_about_the_maps_resolution(grid, height, width, side):
    merged = grid.merge(np.zeros((grid.patches, side, side), np.float32), height, width)
    if grid.patches > 1:
        box = grid.boxes(height, width)[0]
        for cells, length, box_side in zip(merged.shape, (height, width), (box[2], box[3]), strict=True):
            assert abs(cells - min(side, box_side) * length / box_side) < 1


@settings(deadline=None)
@given(grids, sizes, sizes, st.integers(1, 40), st.floats(-3, 300, width=32))
def test_constant_maps_merge_to_the_constant(grid, height, width, side, value):
    merged = grid.merge(np.full((grid.patches, side, side), value, np.float32), height, width)
    assert (merged == np.float32(value)).all()


@settings(deadline=None)
@given(grids, st.integers(10, 2000), st.integers(10, 2000), st.integers(1, 64), st.data())
def test_a_hot_spot_appears_where_its_patch_saw_it(grid, height, width, side, data):
    patch = data.draw(st.integers(0, grid.patches - 1))
    row, col = data.draw(st.integers(0, side - 1)), data.draw(st.integers(0, side - 1))
    maps = np.zeros((grid.patches, side, side), np.float32)
    maps[patch, row, col] = 5
    merged = grid.merge(maps, height, width)
    assert np.count_nonzero(merged == 5) == 1
    y, x = np.unravel_index(merged.argmax(), merged.shape)
    top, left, bottom, right = grid.boxes(height, width)[patch].tolist()
    seen_y, seen_x = top + (row + 0.5) / side * (bottom - top), left + (col + 0.5) / side * (right - left)
    assert abs((y + 0.5) / merged.shape[0] * height - seen_y) <= 1.01 * height / merged.shape[0]
    assert abs((x + 0.5) / merged.shape[1] * width - seen_x) <= 1.01 * width / merged.shape[1]


def test_a_defect_that_only_one_of_two_overlapping_patches_sees_is_kept():
    maps = np.zeros((2, 16, 16), np.float32)
    maps[0, 8, 15] = 9  # in the half that both patches cover
    merged = Grid(1, 2, 0.5).merge(maps, 160, 240)
    assert merged.shape == (16, 24)
    assert merged[8, 15] == 9


def test_a_map_that_is_not_a_number_is_not_hidden():
    maps = np.zeros((4, 8, 8), np.float32)
    maps[2, 3, 3] = np.nan
    assert np.isnan(Grid(2, 2, 0.5).merge(maps, 64, 64)).any()
    assert np.isnan(Grid(2, 2, 0.5).merge(maps, 6, 6)).any()


def test_merge_leaves_the_maps_alone():
    maps = np.random.default_rng(0).random((4, 32, 32), np.float32)
    before = maps.copy()
    Grid(2, 2, 0.25).merge(maps, 100, 20)
    assert np.array_equal(maps, before)


def test_a_wrong_number_of_maps_is_refused():
    with pytest.raises(ValueError, match=r"3 anomaly maps for a grid of 2x2 \(4 patches\)"):
        Grid(2, 2).merge(np.zeros((3, 8, 8), np.float32), 64, 64)


def test_a_mark_on_the_image_comes_back_at_its_place():
    """The whole way round: image, patches, a map that is hot where the patch is bright, merged."""
    grid = Grid(3, 4, 0.2)
    image = np.zeros((700, 1100, 3), np.uint8)
    cv2.circle(image, (801, 402), 12, (255, 255, 255), -1)
    patches = grid.split(image, (64, 64))
    merged = grid.merge(patches[..., 0].astype(np.float32), *image.shape[:2])
    y, x = np.argwhere(merged > 200).mean(axis=0)
    assert (x + 0.5) / merged.shape[1] * 1100 == pytest.approx(801, abs=1100 / merged.shape[1])
    assert (y + 0.5) / merged.shape[0] * 700 == pytest.approx(402, abs=700 / merged.shape[0])
