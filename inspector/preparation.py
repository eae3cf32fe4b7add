"""What happens to a picture before a model sees it, and the way of its maps back into the picture.

Training, calibration, evaluation, the bench and the line all hold this very object, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.align import Fixture
from inspector.colour import ColourHighlighter
from inspector.errors import AlignError, SizeError
from inspector.grid import Grid
from inspector.placement import Placement
from inspector.records import AnomalyMap, Boxes, Image, Mask, Patches
from inspector.roi import Roi, any_of, filled

ONE = Grid(1, 1)  # a region's
FINE = (1024, 1024)  # a view whose size does not matter


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture as it is cut into patches: a single image that the grid cuts, or one of each region."""

    images: tuple[Image, ...]
    picture_size: tuple[int, int]  # height and width of the camera's picture
    placements: tuple[Placement, ...] = ()  # of the images in that picture; none: the only one is it
    size: tuple[int, int] | None = None  # height and width of the view of the whole part, for its regions

    @property
    def image(self) -> Image:
        """The first one."""
        return self.images[0]


@dataclass(frozen=True, eq=False)
class Preparation:
    """Picture -> view -> patches: size check, colour enhancement, fixture, region of interest, grid or regions."""

    grid: Grid  # with regions, one patch for each in a row
    patch_shape: tuple[int, int]  # height and width of the patches
    fixture: Fixture | None = None  # brings the part into its canonical frame
    image_shape: tuple[int, int] | None = None  # height and width that pictures must have; None: any
    highlighter: ColourHighlighter | None = None  # enhances colours that no good part shows; None: they stay
    must_find: bool = True  # a picture without a part is refused; else its middle is taken
    roi: Roi | None = None  # the area of the view that is judged; None: all of it
    regions: tuple[Roi, ...] = ()  # areas that are cut out of the view, a patch each; none: the grid cuts it

    def view(self, image: Image) -> View:
        """Check, enhance and align a picture, (height, width, 3). Raises SizeError or AlignError."""
        size = (image.shape[0], image.shape[1])
        if self.image_shape not in (None, size):
            raise SizeError(f"{_size(size)}, not {_size(self.image_shape)}")
        enhanced = self.highlighter.enhance(image) if self.highlighter else image
        if self.regions:
            return self._view_of_regions(image, enhanced)
        if self.fixture is None:
            return View((self._judged_only(enhanced),), size)
        placement = self._place(self.fixture, image)
        return View((self._judged_only(placement.crop(enhanced)),), size, (placement,))

    def judged(self, image: Image) -> Mask | None:
        """Say which pixels of a picture are judged, (height, width); None: all. None of them where no part is found."""
        areas = self._areas
        if not areas:
            return None
        height, width = image.shape[:2]
        if self.fixture is None:
            return any_of(areas, height, width)
        try:
            placement = self._place(self.fixture, image)
        except AlignError:
            return np.zeros((height, width), np.bool_)
        return placement.mask_back(any_of(areas, *placement.size), height, width)

    def judged_in(self, height: int, width: int) -> Mask | None:
        """Say which pixels of the first image of a view, scaled to that size, are judged; None: all."""
        if self.regions:
            return self.regions[0].mask_in_box(FINE, (height, width))
        return self.roi.mask(height, width) if self.roi else None

    def split(self, view: Image, out: Patches | None = None) -> Patches:
        """Cut a view's image into patches, (rows * cols, *patch_shape, 3), into `out` if given."""
        return self.grid.split(view, self.patch_shape, out)

    def patches(self, image: Image) -> Patches:
        """Return what the model sees of a picture. Raises SizeError or AlignError."""
        return self.batch([self.view(image)])

    def batch(self, views: Sequence[View]) -> Patches:
        """Cut several views into the patches of one batch, in their order, without a copy."""
        grid = ONE if self.regions else self.grid
        images = [image for view in views for image in view.images]
        patches = np.empty((len(images) * grid.patches, *self.patch_shape, 3), np.uint8)
        for number, image in enumerate(images):
            grid.split(image, self.patch_shape, patches[number * grid.patches : (number + 1) * grid.patches])
        return patches

    def back(self, view: View, maps: NDArray[np.float32]) -> tuple[Boxes, AnomalyMap]:
        """Return where the patches lie in the picture, and the whole map there, from the maps of the patches."""
        if self.regions:
            return self._back_of_regions(view, maps)
        height, width = view.image.shape[:2]
        boxes, anomaly_map = self.grid.boxes(height, width), self.grid.merge(maps, height, width)
        # A cell that is judged in part keeps its value: what is drawn or measured between cells would fade there.
        cells = self.roi.cells(*anomaly_map.shape) if self.roi else None
        if view.placements:
            size, placement = view.picture_size, view.placements[0]
            return placement.boxes_back(boxes, *size), placement.map_back(anomaly_map, *size, cells)
        return boxes, anomaly_map if cells is None else np.where(cells, anomaly_map, np.float32(0))

    @property
    def _areas(self) -> tuple[Roi, ...]:
        return self.regions or ((self.roi,) if self.roi else ())

    def _view_of_regions(self, image: Image, enhanced: Image) -> View:
        """Cut each region out of the picture, in no more pixels than its patch has where the part is turned."""
        size = (image.shape[0], image.shape[1])
        whole = self._place(self.fixture, image) if self.fixture else Placement.of_picture(*size)
        places = [whole.section(*region.box(*whole.size)) for region in self.regions]
        if self.fixture:
            places = [place.at_most(self.patch_shape) for place in places]
            cut = [place.crop(enhanced) for place in places]
        else:
            boxes = (region.box(*size) for region in self.regions)
            cut = [enhanced[top:bottom, left:right] for top, left, bottom, right in boxes]
        masks = (region.mask_in_box(whole.size, place.size) for region, place in zip(self.regions, places, strict=True))
        images = tuple(filled(*each) for each in zip(cut, masks, strict=True))
        return View(images, size, tuple(places), whole.size)

    def _back_of_regions(self, view: View, maps: NDArray[np.float32]) -> tuple[Boxes, AnomalyMap]:
        """Bring each region's map and box back; where regions overlap, the higher value counts."""
        assert view.size is not None, "a view of regions"
        size = view.picture_size
        each = list(zip(self.regions, view.placements, maps, strict=True))
        boxes = [place.boxes_back(ONE.boxes(*place.size), *size) for _, place, _ in each]
        back = [
            place.map_back(own, *size, region.cells_in_box(view.size, (own.shape[0], own.shape[1])))
            for region, place, own in each
        ]
        finest = max((one.shape for one in back), key=lambda shape: shape[0])
        return np.concatenate(boxes), reduce(np.maximum, [_of_shape(one, finest) for one in back])

    def _judged_only(self, view: Image) -> Image:
        return view if self.roi is None else filled(view, self.roi.mask(*view.shape[:2]))

    def _place(self, fixture: Fixture, image: Image) -> Placement:
        """Find the part in a picture, in no more pixels than the patches have."""
        try:
            placement = fixture.place(image)
        except AlignError:
            if self.must_find:
                raise
            placement = fixture.untouched(image)
        return placement if self.regions else placement.at_most(self.grid.size(self.patch_shape))


def _of_shape(anomaly_map: AnomalyMap, shape: tuple[int, ...]) -> AnomalyMap:
    if anomaly_map.shape == shape:
        return anomaly_map
    return np.asarray(cv2.resize(anomaly_map, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _size(shape: Sequence[int]) -> str:
    """As cameras call it: width first."""
    return f"{shape[1]} x {shape[0]} px"
