"""One inspection as one picture."""

from __future__ import annotations

import math
import textwrap

import cv2
import numpy as np

from inspector.overlay import banner
from inspector.overlay.lettering import Bgr, Letters
from inspector.overlay.marks import mark
from inspector.records import Counts, Image, Inspection
from inspector.text import ascii_text

MIN_WIDTH_PX = 640  # narrower images are enlarged by a whole factor: text would be unreadable
MAX_ENLARGED_PX = 4096  # but never beyond this height
PLATE_SHAPE = (480, 640, 3)  # drawn where a missed frame has no image
PLATE_GRAY = 96


def draw(inspection: Inspection, counts: Counts) -> Image:
    """Return a new BGR picture: the image with what is strange about it, framed in the verdict's colour.

    The image keeps its pixels and its size; the banner stands above it and a border around it, so nothing is covered
    or cut off. An image narrower than 640 px is enlarged by a whole factor (up to 4096 px of height), its pixels
    kept as squares. Where there is no image that can be shown, a gray plate says why.
    """
    image = inspection.image if inspection.image is not None and _can_be_shown(inspection.image) else None
    base = _enlarged(image) if image is not None else np.full(PLATE_SHAPE, PLATE_GRAY, np.uint8)
    line_px = _line_px(base.shape[1])
    picture, inside = _framed(base, banner.PAPER[inspection.verdict])
    if image is None:
        _explain(inside, inspection, line_px)
    else:
        mark(inside, inspection, inside.shape[1] // image.shape[1], line_px)
    banner.write(picture, inspection, counts, line_px)
    return picture


def annotated(inspection: Inspection) -> Image:
    """Return a new BGR picture as `draw` does, without banner and border. The inspection must have its image."""
    image = inspection.image
    if image is None or not _can_be_shown(image):
        return np.full(PLATE_SHAPE, PLATE_GRAY, np.uint8)
    picture: Image = _enlarged(image).copy()
    mark(picture, inspection, picture.shape[1] // image.shape[1], _line_px(picture.shape[1]))
    return picture


def inside_of(picture: Image) -> Image:
    """Return the view of a picture made by `draw` that shows the part, without its banner and border."""
    height, width = picture.shape[:2]
    for base_width in range(width, 0, -1):  # the border's width follows from the image's, not the other way round
        top, edge, side = _margins(base_width)
        if base_width + 2 * side == width and height > top + edge:
            return picture[top : height - edge, side : width - side]
    return picture


def _can_be_shown(image: Image) -> bool:
    """Return whether it is a picture at all: a frame can be missed because it is none."""
    return image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0


def _enlarged(image: Image) -> Image:
    height, width = image.shape[:2]
    factor = min(math.ceil(MIN_WIDTH_PX / width), max(1, MAX_ENLARGED_PX // height))
    if factor == 1:
        return image
    size = width * factor, height * factor
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _line_px(width: int) -> int:
    """Return height of one line of text; every other size follows from it."""
    return max(18, width // 40)


def _margins(width: int) -> tuple[int, int, int]:
    """Return (above, below, on each side) of an image of this width, in px."""
    line_px = _line_px(width)
    edge = max(4, line_px // 3)
    return banner.height_px(line_px), edge, edge + max(0, (MIN_WIDTH_PX - width + 1) // 2)


def _framed(base: Image, colour: Bgr) -> tuple[Image, Image]:
    """Return (a new picture with a banner above and a border around, the view of it that shows `base`)."""
    height, width = base.shape[:2]
    top, edge, side = _margins(width)
    bordered = cv2.copyMakeBorder(base, top, edge, side, side, cv2.BORDER_CONSTANT, value=colour)
    picture = np.asarray(bordered, np.uint8)
    return picture, picture[top : top + height, side : side + width]


def _explain(inside: Image, inspection: Inspection, line_px: int) -> None:
    letters = Letters(int(1.3 * line_px))
    cause = inspection.cause.value if inspection.cause else ""
    lines = ["NO PICTURE", cause, *textwrap.wrap(ascii_text(inspection.detail), 45)[:8]]
    top = (inside.shape[0] - len(lines) * 2 * line_px) // 2
    for row, text in enumerate(lines):
        left = (inside.shape[1] - letters.width_px(text)) // 2
        letters.write(inside, text, (left, top + row * 2 * line_px), banner.WHITE)
