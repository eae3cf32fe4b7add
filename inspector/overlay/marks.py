"""What is strange about a part, drawn on its image.

The heat map has a fixed scale: the threshold is its middle, twice the threshold its end. So the same colour means
the same strangeness on every part, and a good part stays quiet; nothing is stretched to the picture's own extremes.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.overlay.lettering import Colour, Letters
from inspector.records import AnomalyMap, Image, Inspection, Mask
from inspector.text import number

Levels = NDArray[np.uint8]  # (height, width), heat: 0 = nothing, 128 = just above the threshold, 255 = twice it

ANOMALOUS_LEVEL = 128
FAINTEST_LEVEL = 90  # about 0.7 of the threshold: below it the heat map is not drawn at all

STRANGE, OUTLINE, PATCH, WHITE = (0, 255, 0), (255, 0, 255), (0, 0, 255), (255, 255, 255)


def mark(inside: Image, inspection: Inspection, factor: int, line_px: int) -> None:
    """Draw on `inside`, which shows the inspection's image enlarged by `factor`; text is `line_px` high.

    Heat, strange colours, outlines and patches, in this order: a line must stay visible on what it encloses.
    """
    height, width = inside.shape[:2]
    thickness = max(2, min(line_px // 10, height // 40))
    heat, strange = _heat(inspection, height, width), inspection.strange_colours
    if heat is not None:
        _blend(inside, heat)
    if strange is not None:
        _paint_strange(inside, strange)
    if heat is not None:
        _outline(inside, heat, thickness)
    _mark_patches(inside, inspection, factor, thickness, min(line_px, max(10, height // 4)))


def _heat(inspection: Inspection, height: int, width: int) -> Levels | None:
    """None where there is no map, or no threshold that gives its values a meaning."""
    anomaly_map, threshold = inspection.anomaly_map, inspection.threshold
    if anomaly_map is None or not (math.isfinite(threshold) and threshold > 0):
        return None
    return _levels(anomaly_map, threshold, height, width)


def _levels(anomaly_map: AnomalyMap, threshold: float, height: int, width: int) -> Levels:
    """The map as heat of this size. The map's peak keeps its level: scaling must not smooth it away."""
    values = np.ascontiguousarray(anomaly_map, np.float32)
    capped = cv2.threshold(values, 2 * threshold, 0, cv2.THRESH_TRUNC)[1]
    small = np.asarray(cv2.convertScaleAbs(np.maximum(capped, 0), alpha=127.5 / threshold), np.uint8)
    shrinks = small.shape[0] > height or small.shape[1] > width
    levels = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    row, col = np.unravel_index(int(values.argmax()), values.shape)
    peak = (2 * int(row) + 1) * height // (2 * small.shape[0]), (2 * int(col) + 1) * width // (2 * small.shape[1])
    levels[peak] = small[row, col]
    return np.asarray(levels, np.uint8)


def _heat_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(colour times opacity, (256, 1, 3); what is left of the picture, (256,)), by level.

    From yellow through orange to red. Nothing up to FAINTEST_LEVEL, faint at the threshold, never quite opaque:
    the defect itself must stay visible.
    """
    level = np.arange(256)
    opacity = np.interp(level, [FAINTEST_LEVEL, ANOMALOUS_LEVEL, 255], [0.0, 0.25, 0.5])[:, None]
    stops = [FAINTEST_LEVEL, ANOMALOUS_LEVEL, 190, 255]
    columns = [np.interp(level, stops, stop) for stop in ((0, 0, 0, 0), (235, 200, 110, 0), (255, 255, 255, 235))]
    colour = np.stack(columns, axis=1)
    return (colour * opacity).round().astype(np.uint8)[:, None], (255 * (1 - opacity[:, 0])).round().astype(np.uint8)


_GLOW, _REMAINS = _heat_tables()


def _blend(inside: Image, heat: Levels) -> None:
    window = _bounds(np.asarray(cv2.threshold(heat, FAINTEST_LEVEL, 255, cv2.THRESH_BINARY)[1], np.uint8))
    levels, view = heat[window], inside[window]
    if levels.size == 0:
        return
    remains = cv2.LUT(levels, _REMAINS)
    dimmed = cv2.multiply(view, cv2.merge([remains, remains, remains]), scale=1 / 255)
    cv2.add(dimmed, cv2.applyColorMap(levels, _GLOW), dst=view)


def _outline(inside: Image, heat: Levels, thickness: int) -> None:
    """A line just outside each region above the threshold. Its cost does not depend on how many regions there are."""
    above = np.asarray(cv2.threshold(heat, ANOMALOUS_LEVEL - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)
    window = _bounds(above, margin=2 * thickness)
    if above[window].size == 0:
        return
    kernel = np.ones((2 * thickness + 1, 2 * thickness + 1), np.uint8)
    ring = cv2.subtract(cv2.dilate(above[window], kernel), above[window])
    _paint(inside[window], np.asarray(ring, np.uint8), OUTLINE)


def _paint_strange(inside: Image, strange: Mask) -> None:
    mask = np.ascontiguousarray(strange).view(np.uint8)
    if mask.shape != inside.shape[:2]:
        size = inside.shape[1], inside.shape[0]
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    _paint(inside, mask, STRANGE)


def _paint(inside: Image, mask: NDArray[np.uint8], colour: Colour) -> None:
    """Set the pixels where the mask is not 0."""
    window = _bounds(mask)
    view = inside[window]
    if view.size:
        cv2.copyTo(_filled(view.shape[0], view.shape[1], colour), mask[window], view)


def _filled(height: int, width: int, colour: Colour) -> Image:
    """One colour. (copyMakeBorder fills fifty times faster than numpy does.)"""
    pixel = np.array([[colour]], np.uint8)
    filled = cv2.copyMakeBorder(pixel, 0, height - 1, 0, width - 1, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(filled, np.uint8)


def _bounds(mask: NDArray[np.uint8], margin: int = 0) -> tuple[slice, slice]:
    """The smallest window that holds every nonzero pixel, with a margin; an empty window where there is none."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return slice(0, 0), slice(0, 0)
    return slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width + margin)


def _mark_patches(inside: Image, inspection: Inspection, factor: int, thickness: int, line_px: int) -> None:
    """Frame the anomalous ones of several. The worst gets a thicker frame, and its score."""
    scores, boxes = inspection.judgement.patch_scores, inspection.judgement.patch_boxes
    if scores is None or boxes is None or scores.size <= 1:
        return
    flat, boxes = scores.ravel(), boxes * factor
    worst = int(flat.argmax())
    for index in np.flatnonzero(flat > inspection.threshold):
        _box(inside, boxes[index], thickness)
    if flat[worst] > inspection.threshold:
        _box(inside, boxes[worst], 2 * thickness)
        _label(inside, boxes[worst], number(float(flat[worst])), line_px)


def _box(inside: Image, box: NDArray[np.int32], thickness: int) -> None:
    """A frame whose lines lie within the box, so that neighbours do not cover each other."""
    top, left, bottom, right = (int(v) for v in box)
    half = thickness // 2
    cv2.rectangle(inside, (left + half, top + half), (right - 1 - half, bottom - 1 - half), PATCH, thickness)


def _label(inside: Image, box: NDArray[np.int32], text: str, line_px: int) -> None:
    """The score on a red tab: above the box, or inside it where the picture ends."""
    letters = Letters(line_px)
    width = letters.width_px(text) + line_px // 2
    top = int(box[0]) - line_px if box[0] >= line_px else int(box[0])
    left = max(0, min(int(box[1]), inside.shape[1] - width))
    cv2.rectangle(inside, (left, top), (left + width, top + line_px), PATCH, cv2.FILLED)
    letters.write(inside, text, (left + line_px // 4, top), WHITE)
