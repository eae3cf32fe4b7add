"""An anomaly map as heat: the one place that says which colour means how strange.

The scale is fixed: the threshold is its middle, twice the threshold its end. So the same colour means the same
strangeness on every part, and a good part stays quiet; nothing is stretched to the picture's own extremes.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Image

Levels = NDArray[np.uint8]  # (height, width), heat: 0 = nothing, 128 = just above the threshold, 255 = twice it

ANOMALOUS_LEVEL = 128
FAINTEST_LEVEL = 90  # about 0.7 of the threshold: below it the heat map is not drawn at all


def levels(anomaly_map: AnomalyMap, threshold: float, height: int, width: int) -> Levels:
    """Return a map as heat of this size. The map's peak keeps its level: scaling must not smooth it away."""
    values = np.ascontiguousarray(anomaly_map, np.float32)
    capped = cv2.threshold(values, 2 * threshold, 0, cv2.THRESH_TRUNC)[1]
    small = np.asarray(cv2.convertScaleAbs(np.maximum(capped, 0), alpha=127.5 / threshold), np.uint8)
    shrinks = small.shape[0] > height or small.shape[1] > width
    heat = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    row, col = np.unravel_index(int(values.argmax()), values.shape)
    peak = (2 * int(row) + 1) * height // (2 * small.shape[0]), (2 * int(col) + 1) * width // (2 * small.shape[1])
    heat[peak] = small[row, col]
    return np.asarray(heat, np.uint8)


@lru_cache(maxsize=4)
def _heat_tables(faintest: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return (colour times opacity, (256, 1, 3); what is left of the picture, (256,)), by level.

    From yellow through orange to red. Nothing up to the `faintest` level, faint at the threshold, never quite opaque:
    the defect itself must stay visible.
    """
    level = np.arange(256)
    opacity = np.interp(level, [faintest, ANOMALOUS_LEVEL, 255], [0.0, 0.25, 0.5])[:, None]
    stops = [faintest, ANOMALOUS_LEVEL, 190, 255]
    columns = [np.interp(level, stops, stop) for stop in ((0, 0, 0, 0), (235, 200, 110, 0), (255, 255, 255, 235))]
    colour = np.stack(columns, axis=1)
    return (colour * opacity).round().astype(np.uint8)[:, None], (255 * (1 - opacity[:, 0])).round().astype(np.uint8)


def blend(image: Image, heat: Levels, faintest: int = FAINTEST_LEVEL) -> None:
    """Colour an image by heat of its size, in place, from the `faintest` level on."""
    glow, left = _heat_tables(faintest)
    window = bounds(np.asarray(cv2.threshold(heat, faintest, 255, cv2.THRESH_BINARY)[1], np.uint8))
    hot, view = heat[window], image[window]
    if hot.size == 0:
        return
    remains = cv2.LUT(hot, left)
    dimmed = cv2.multiply(view, cv2.merge([remains, remains, remains]), scale=1 / 255)
    cv2.add(dimmed, cv2.applyColorMap(hot, glow), dst=view)


def bounds(mask: NDArray[np.uint8], margin: int = 0) -> tuple[slice, slice]:
    """Return the smallest window that holds every nonzero pixel, with a margin; an empty window where there is none."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return slice(0, 0), slice(0, 0)
    return slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width + margin)
