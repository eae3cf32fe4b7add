"""What happens to a picture before a model sees it, and the way of its maps back into the picture.

Training, calibration, evaluation, the bench and the line all hold this very object, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.align import Fixture
from inspector.colour import ColourHighlighter
from inspector.errors import AlignError, SizeError
from inspector.grid import Grid
from inspector.placement import Placement
from inspector.records import AnomalyMap, Boxes, Image, Mask, Patches
from inspector.roi import Roi


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture as the grid cuts it."""

    image: Image  # what the grid cuts
    picture_size: tuple[int, int]  # height and width of the camera's picture
    placement: Placement | None = None  # of the view in that picture; None: it is the picture


@dataclass(frozen=True, eq=False)
class Preparation:
    """Picture -> view -> patches: size check, colour enhancement, fixture, region of interest, grid."""

    grid: Grid
    patch_shape: tuple[int, int]  # height and width of the patches
    fixture: Fixture | None = None  # brings the part into its canonical frame
    image_shape: tuple[int, int] | None = None  # height and width that pictures must have; None: any
    highlighter: ColourHighlighter | None = None  # enhances colours that no good part shows; None: they stay
    must_find: bool = True  # a picture without a part is refused; else its middle is taken
    roi: Roi | None = None  # the area of the view that is judged; None: all of it

    def view(self, image: Image) -> View:
        """Check, enhance and align a picture, (height, width, 3). Raises SizeError or AlignError."""
        size = (image.shape[0], image.shape[1])
        if self.image_shape not in (None, size):
            raise SizeError(f"{_size(size)}, not {_size(self.image_shape)}")
        enhanced = self.highlighter.enhance(image) if self.highlighter else image
        if self.fixture is None:
            return View(self._judged_only(enhanced), size)
        placement = self._place(self.fixture, image)
        return View(self._judged_only(placement.crop(enhanced)), size, placement)

    def judged(self, image: Image) -> Mask | None:
        """Say which pixels of a picture are judged, (height, width); None: all. None of them where no part is found."""
        if self.roi is None:
            return None
        height, width = image.shape[:2]
        if self.fixture is None:
            return self.roi.mask(height, width)
        try:
            placement = self._place(self.fixture, image)
        except AlignError:
            return np.zeros((height, width), np.bool_)
        return placement.mask_back(self.roi.mask(*placement.size), height, width)

    def split(self, view: Image, out: Patches | None = None) -> Patches:
        """Cut a view's image into patches, (rows * cols, *patch_shape, 3), into `out` if given."""
        return self.grid.split(view, self.patch_shape, out)

    def patches(self, image: Image) -> Patches:
        """Return what the model sees of a picture. Raises SizeError or AlignError."""
        return self.split(self.view(image).image)

    def batch(self, views: Sequence[View]) -> Patches:
        """Cut several views into the patches of one batch, in their order, without a copy."""
        count = self.grid.patches
        patches = np.empty((len(views) * count, *self.patch_shape, 3), np.uint8)
        for number, view in enumerate(views):
            self.split(view.image, patches[number * count : (number + 1) * count])
        return patches

    def back(self, view: View, maps: NDArray[np.float32]) -> tuple[Boxes, AnomalyMap]:
        """Return where the patches lie in the picture, and the whole map there, from the maps of the patches."""
        height, width = view.image.shape[:2]
        boxes, anomaly_map = self.grid.boxes(height, width), self.grid.merge(maps, height, width)
        if self.roi is not None:
            rows, cols = anomaly_map.shape
            anomaly_map = np.where(self.roi.mask(rows, cols), anomaly_map, np.float32(0))
        if view.placement is None:
            return boxes, anomaly_map
        size = view.picture_size
        return view.placement.boxes_back(boxes, *size), view.placement.map_back(anomaly_map, *size)

    def _judged_only(self, view: Image) -> Image:
        return view if self.roi is None else self.roi.filled(view)

    def _place(self, fixture: Fixture, image: Image) -> Placement:
        """Find the part in a picture, in no more pixels than the patches have."""
        try:
            placement = fixture.place(image)
        except AlignError:
            if self.must_find:
                raise
            placement = fixture.untouched(image)
        return placement.at_most(self.grid.size(self.patch_shape))


def _size(shape: Sequence[int]) -> str:
    """As cameras call it: width first."""
    return f"{shape[1]} x {shape[0]} px"
