"""What line and training do to a picture before a model sees it."""

import numpy as np
import pytest

from inspector.align import Outline
from inspector.colour import ColourHighlighter, Gamut
from inspector.errors import AlignError, SizeError
from inspector.grid import Grid
from inspector.preparation import Preparation

BLANK = np.full((60, 90, 3), 200, np.uint8)
OUTLINE = Outline(length=60, width=20, centre=30, bright=False, area=800, contrast=150)


def bar(shift: int = 0) -> np.ndarray:
    """A dark bar on a bright ground, its right end thicker."""
    image = BLANK.copy()
    image[25 + shift : 33 + shift, 15:65] = 20
    image[22 + shift : 36 + shift, 55:65] = 20
    return image


def test_a_picture_of_another_size_is_refused_in_the_words_of_cameras():
    with pytest.raises(SizeError, match="90 x 60 px, not 120 x 60 px"):
        Preparation(Grid(1, 1), (32, 32), image_shape=(60, 120)).view(BLANK)


def test_a_batch_holds_the_patches_of_each_view_in_their_order():
    preparation = Preparation(Grid(2, 3), (16, 16))
    images = [BLANK, bar()]
    batch = preparation.batch([preparation.view(image) for image in images])
    assert np.array_equal(batch, np.concatenate([preparation.patches(image) for image in images]))


def test_strange_colours_are_painted_before_the_grid_cuts():
    image = BLANK.copy()
    image[:30, :45] = (0, 0, 255)
    highlighter = ColourHighlighter(Gamut.of([BLANK]), 0)
    patches = Preparation(Grid(2, 2), (30, 45), highlighter=highlighter).patches(image)
    assert np.array_equal(np.unique(patches[0].reshape(-1, 3), axis=0), [[0, 255, 0]])
    assert (patches[1:] == 200).all()


def test_a_part_is_brought_into_its_frame_and_its_map_back_to_where_it_lies():
    preparation = Preparation(Grid(1, 1), (20, 60), fixture=OUTLINE)
    here, there = (preparation.view(bar(shift)) for shift in (0, 12))
    assert np.abs(here.image.astype(int) - there.image).mean() < 2
    hot = np.zeros((1, 20, 60), np.float32)
    hot[0, 8:12, 25:35] = 1
    rows = [float(np.average(np.arange(60), weights=preparation.back(view, hot)[1].sum(1))) for view in (here, there)]
    assert rows[1] - rows[0] == pytest.approx(12, abs=1)


def test_without_a_part_the_picture_is_refused_or_its_middle_taken():
    with pytest.raises(AlignError, match="no part found"):
        Preparation(Grid(1, 1), (20, 60), fixture=OUTLINE).view(BLANK)
    view = Preparation(Grid(1, 1), (20, 60), fixture=OUTLINE, must_find=False).view(BLANK)
    assert (view.image == 200).all()
