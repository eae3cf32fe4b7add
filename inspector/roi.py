"""Which area of a part is judged, as polygons in its view: one region of interest, or several with a model each.

A view is what the grid cuts: the aligned part where a fixture places it, else the picture. Points are (x, y) as shares
of the view's width and height, from its upper left corner: they hold whatever the camera's resolution is.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Annotated

import cv2
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from inspector.records import Image, Mask

NEUTRAL = 127  # gray that the area not judged is filled with: what a network is given for "nothing"
TRIED_PX = 256  # side of the mask by which a region is checked
FINER = 8  # pixels each way of a cell, for whether any of it is judged
_SUBPIXEL_BITS = 8

Box = tuple[int, int, int, int]  # top, left, bottom, right in px, the last two exclusive


def _as_tuples(value: object) -> object:
    """Turn the lists of a YAML file into tuples: strict models take no list for them."""
    return tuple(_as_tuples(each) for each in value) if isinstance(value, (list, tuple)) else value


Share = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[tuple[tuple[Share, Share], ...], Field(min_length=3, max_length=1000)]
Polygons = Annotated[tuple[Polygon, ...], Field(max_length=100), BeforeValidator(_as_tuples)]


class Roi(BaseModel):
    """What to judge, less what to ignore."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    judge: Polygons = ()  # none: the whole view
    ignore: Polygons = ()

    @model_validator(mode="after")
    def _leaves_something(self) -> Roi:
        mask = self.mask(TRIED_PX, TRIED_PX)
        if not mask.any():
            raise ValueError("leaves nothing to judge")
        return self

    @property
    def hash(self) -> str:
        """12 hexadecimal digits that change when a point does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def mask(self, height: int, width: int) -> Mask:
        """(height, width) of a view, True where it is judged; read-only, drawn once per size."""
        return _mask(self, height, width)

    def cells(self, rows: int, cols: int) -> Mask:
        """(rows, cols) of a map of the view, True where a cell is judged, be it in part."""
        return _cells(self, rows, cols)

    def box(self, height: int, width: int) -> Box:
        """Return the smallest box of such a view that holds all that is judged, a pixel at least."""
        return _box(self, height, width)

    def mask_in_box(self, view: tuple[int, int], size: tuple[int, int]) -> Mask:
        """Mask of the box in a view of that height and width, scaled to `size`: height, width."""
        return _mask_in_box(self, view, size)

    def cells_in_box(self, view: tuple[int, int], size: tuple[int, int]) -> Mask:
        """(*size) of a map of the box in such a view, True where a cell is judged, be it in part."""
        return _cells_in_box(self, view, size)


def filled(image: Image, judged: Mask) -> Image:
    """Return an image, (height, width, 3), with a neutral gray where it is not judged."""
    if judged.all():
        return image
    copy = np.full_like(image, NEUTRAL)
    cv2.copyTo(image, judged.view(np.uint8), copy)
    return copy


@lru_cache(maxsize=64)
def any_of(areas: tuple[Roi, ...], height: int, width: int) -> Mask:
    """(height, width) of a view, True where any of them is judged; read-only, drawn once per size."""
    mask = np.asarray(np.logical_or.reduce([area.mask(height, width) for area in areas]), np.bool_)
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=64)
def _cells(roi: Roi, rows: int, cols: int) -> Mask:
    return _touched(roi.mask(FINER * rows, FINER * cols))


@lru_cache(maxsize=64)
def _cells_in_box(roi: Roi, view: tuple[int, int], size: tuple[int, int]) -> Mask:
    return _touched(roi.mask_in_box(view, (FINER * size[0], FINER * size[1])))


def _touched(mask: Mask) -> Mask:
    """(FINER * rows, FINER * cols) -> (rows, cols): cells of which any pixel is True."""
    rows, cols = mask.shape[0] // FINER, mask.shape[1] // FINER
    return np.asarray(mask.reshape(rows, FINER, cols, FINER).any((1, 3)), np.bool_)


@lru_cache(maxsize=64)
def _box(roi: Roi, height: int, width: int) -> Box:
    mask = roi.mask(height, width)
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):  # narrower than a pixel of so small a picture: the pixel at its first corner
        x, y = roi.judge[0][0] if roi.judge else (0.0, 0.0)
        top, left = min(int(y * height), height - 1), min(int(x * width), width - 1)
        return top, left, top + 1, left + 1
    return int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1


@lru_cache(maxsize=64)
def _mask_in_box(roi: Roi, view: tuple[int, int], size: tuple[int, int]) -> Mask:
    top, left, bottom, right = roi.box(*view)
    inside = np.ascontiguousarray(roi.mask(*view)[top:bottom, left:right]).view(np.uint8)
    scaled = cv2.resize(inside, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    scaled.flags.writeable = False
    return scaled


@lru_cache(maxsize=64)
def _mask(roi: Roi, height: int, width: int) -> Mask:
    mask = np.full((height, width), not roi.judge, np.uint8)
    for polygons, value in ((roi.judge, 1), (roi.ignore, 0)):
        for polygon in polygons:
            # Pixel centres are whole numbers: the view's left edge is at -0.5.
            points = np.array(polygon) * (width, height) - 0.5
            fixed = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
            cv2.fillPoly(mask, [fixed], value, shift=_SUBPIXEL_BITS)
    mask.flags.writeable = False
    return mask.view(np.bool_)


def same_roi(one: Roi | None, other: Roi | None) -> bool:
    """Say whether both judge the same area by the same polygons."""
    return (one and one.hash) == (other and other.hash)
