"""The region of interest: which area of a part is judged, as polygons in its view.

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
_SUBPIXEL_BITS = 8


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
            raise ValueError("roi leaves nothing to judge")
        return self

    @property
    def hash(self) -> str:
        """12 hexadecimal digits that change when a point does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def mask(self, height: int, width: int) -> Mask:
        """(height, width) of a view, True where it is judged; read-only, drawn once per size."""
        return _mask(self, height, width)

    def filled(self, view: Image) -> Image:
        """Copy a view, (height, width, 3), with a neutral gray where it is not judged."""
        mask = self.mask(*view.shape[:2])
        filled = np.full_like(view, NEUTRAL)
        cv2.copyTo(view, mask.view(np.uint8), filled)
        return filled


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
