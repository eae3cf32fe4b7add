"""Images made larger or smaller, fast, and without fine texture turning into patterns that are not there.

OpenCV's INTER_AREA weighs every pixel exactly, and is slow wherever the factor is not whole. INTER_LINEAR is
vectorised and reads every pixel as long as it shrinks by no more than half. So an image is halved until one step leads
to twice the wanted size, and the last step, a half again, averages what that odd one left uneven. An image less
than twice the wanted size takes one step: by way of twice the size it would first grow, at three times the cost.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (height, width) or (height, width, 3)


def resize(image: Pixels, target: Pixels) -> None:
    """Fill `target`, a contiguous array, from an image of any size and as many channels."""
    if image.shape == target.shape:
        target[:] = image
        return
    height, width = target.shape[:2]
    image = _halved(image, 4 * height, 4 * width)
    twice_or_once = _two_if(image.shape[1] >= 2 * width) * width, _two_if(image.shape[0] >= 2 * height) * height
    if twice_or_once != (width, height):
        image = _linear(image, twice_or_once)
    cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)


def halved(image: Pixels, by_y: int = 2, by_x: int = 2) -> Pixels:
    """Return the mean of each two pixels, in the directions that are halved (2) rather than left (1).

    An odd side repeats its last row: only exact halves are fast.
    """
    odd_y, odd_x = -image.shape[0] % by_y, -image.shape[1] % by_x
    if odd_y or odd_x:
        image = np.asarray(cv2.copyMakeBorder(image, 0, odd_y, 0, odd_x, cv2.BORDER_REPLICATE), np.uint8)
    return _linear(image, (image.shape[1] // by_x, image.shape[0] // by_y))


def within(longest: int, height: int, width: int) -> tuple[int, int]:
    """Return height and width of a picture of that size, made smaller where it is longer than `longest`."""
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def small_gray(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Return a colour picture in gray, (*size): height, width."""
    small = np.empty(size, np.uint8)
    resize(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8), small)
    return small


def _halved(image: Pixels, height: int, width: int) -> Pixels:
    """Halve it again and again, in either direction, for as long as it is at least that large."""
    while image.shape[0] >= height or image.shape[1] >= width:
        image = halved(image, _two_if(image.shape[0] >= height), _two_if(image.shape[1] >= width))
    return image


def _two_if(halves: bool) -> int:
    return 2 if halves else 1


def _linear(image: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
