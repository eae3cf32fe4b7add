"""Draw what is strange about a part on its image: heat, colours, outlines, patches."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.overlay.heat import ANOMALOUS_LEVEL, FAINTEST_LEVEL, Levels, blend, bounds, levels
from inspector.overlay.lettering import Bgr, Letters
from inspector.records import AnomalyMap, Image, Inspection, Mask
from inspector.text import told_apart

STRANGE, OUTLINE, PATCH, WHITE = (0, 255, 0), (255, 0, 255), (0, 0, 255), (255, 255, 255)


def mark(inside: Image, inspection: Inspection, factor: int, line_px: int) -> None:
    """Draw on `inside`, which shows the inspection's image enlarged by `factor`; text is `line_px` high.

    Heat, strange colours, outlines and patches, in this order: a line must stay visible on what it encloses.
    """
    height, width = inside.shape[:2]
    thickness = max(2, min(line_px // 10, height // 40))
    heat, strange = _heat(inspection, height, width), inspection.strange_colours
    if heat is not None:
        blend(inside, heat)
    if strange is not None:
        _paint_strange(inside, strange)
    if heat is not None:
        _outline(inside, heat, thickness)
    _mark_patches(inside, inspection, factor, thickness, min(line_px, max(10, height // 4)))


def draw_heat(inside: Image, anomaly_map: AnomalyMap, threshold: float, faintest: int = FAINTEST_LEVEL) -> None:
    """Draw a map on a picture of any size as `mark` does, from the `faintest` level on: for reports."""
    heat = levels(anomaly_map, threshold, inside.shape[0], inside.shape[1])
    blend(inside, heat, faintest)
    _outline(inside, heat, max(1, max(inside.shape[:2]) // 200))


def _heat(inspection: Inspection, height: int, width: int) -> Levels | None:
    """Return heat of this size; None where there is no map, or no threshold that gives its values a meaning."""
    anomaly_map, threshold = inspection.anomaly_map, inspection.threshold
    if anomaly_map is None or not (math.isfinite(threshold) and threshold > 0):
        return None
    return levels(anomaly_map, threshold, height, width)


def _outline(inside: Image, heat: Levels, thickness: int) -> None:
    """Draw a line just outside each region above the threshold. Its cost does not depend on their number."""
    above = np.asarray(cv2.threshold(heat, ANOMALOUS_LEVEL - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)
    window = bounds(above, margin=2 * thickness)
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


def _paint(inside: Image, mask: NDArray[np.uint8], colour: Bgr) -> None:
    """Set the pixels where the mask is not 0."""
    window = bounds(mask)
    view = inside[window]
    if view.size:
        cv2.copyTo(_filled(view.shape[0], view.shape[1], colour), mask[window], view)


def _filled(height: int, width: int, colour: Bgr) -> Image:
    """Return a picture of one colour. (copyMakeBorder fills fifty times faster than numpy does.)"""
    pixel = np.array([[colour]], np.uint8)
    filled = cv2.copyMakeBorder(pixel, 0, height - 1, 0, width - 1, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(filled, np.uint8)


def _mark_patches(inside: Image, inspection: Inspection, factor: int, thickness: int, line_px: int) -> None:
    """Frame the anomalous ones of several. The worst gets a thicker frame, and its score."""
    scores, boxes = inspection.judgement.patch_scores, inspection.judgement.patch_boxes
    if scores is None or boxes is None or scores.size <= 1:
        return
    flat, boxes, names = scores.ravel(), boxes * factor, inspection.context.regions
    worst = int(flat.argmax())
    for index in np.flatnonzero(flat > inspection.threshold):
        _box(inside, boxes[index], thickness)
    if flat[worst] > inspection.threshold:
        _box(inside, boxes[worst], 2 * thickness)
        score, _ = told_apart(float(flat[worst]), inspection.threshold)
        _label(inside, boxes[worst], " ".join((*names[worst : worst + 1], score)), line_px)


def _box(inside: Image, box: NDArray[np.int32], thickness: int) -> None:
    """Draw a frame whose lines lie within the box, so that neighbours do not cover each other."""
    top, left, bottom, right = (int(v) for v in box)
    half = thickness // 2
    cv2.rectangle(inside, (left + half, top + half), (right - 1 - half, bottom - 1 - half), PATCH, thickness)


def _label(inside: Image, box: NDArray[np.int32], text: str, line_px: int) -> None:
    """Write the score on a red tab: above the box, or inside it where the picture ends."""
    letters = Letters(line_px)
    width = letters.width_px(text) + line_px // 2
    top = int(box[0]) - line_px if box[0] >= line_px else int(box[0])
    left = max(0, min(int(box[1]), inside.shape[1] - width))
    cv2.rectangle(inside, (left, top), (left + width, top + line_px), PATCH, cv2.FILLED)
    letters.write(inside, text, (left + line_px // 4, top), WHITE)
