"""Pure drawing: one inspection becomes one picture that a person at the line understands at a glance.

The heat map has a fixed scale: the threshold is its middle, twice the threshold its end. So the same colour means
the same strangeness on every part, and a good part stays quiet; nothing is stretched to the picture's own extremes.
"""

from __future__ import annotations

import math
import textwrap
import unicodedata
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Counts, Image, Inspection, Mask, Verdict

Levels = NDArray[np.uint8]  # (height, width), heat: 0 = nothing, 128 = just above the threshold, 255 = twice it
Colour = tuple[int, int, int]  # BGR


class Letters(NamedTuple):
    """How text is set."""

    line_px: int  # height of its line
    bold: bool = False

    @property
    def scale(self) -> float:
        """OpenCV's font scale with which letters sit well in the line."""
        return self.line_px / 30

    @property
    def thickness(self) -> int:
        return max(1, round(self.scale * (2.5 if self.bold else 1.2)))


MIN_WIDTH_PX = 640  # narrower images are enlarged by a whole factor: text would be unreadable
MAX_ENLARGED_PX = 4096  # but never beyond this height
PLATE_SHAPE = (480, 640, 3)  # drawn where a missed frame has no image

GREEN, RED, AMBER = (0, 130, 0), (0, 0, 200), (0, 170, 255)
STRANGE, OUTLINE, PATCH = (0, 255, 0), (255, 0, 255), (0, 0, 255)
WHITE, BLACK, GRAY = (255, 255, 255), (0, 0, 0), (96, 96, 96)
PAPER = {Verdict.PASS: GREEN, Verdict.FAIL: RED, Verdict.MISSED: AMBER}
INK = {Verdict.PASS: WHITE, Verdict.FAIL: WHITE, Verdict.MISSED: BLACK}
FONT = cv2.FONT_HERSHEY_SIMPLEX

ANOMALOUS_LEVEL = 128
FAINTEST_LEVEL = 90  # about 0.7 of the threshold: below it the heat map is not drawn at all

# What ASCII can say instead; the fonts of OpenCV 4 have nothing else.
_ASCII = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "ð": "d"}
    | {"\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'", "\u2019": "'"}
    | {"\u201c": '"', "\u201d": '"', "\u00d7": "x", "\u00b0": " deg", "\u00b5": "u"}
)


def draw(inspection: Inspection, counts: Counts) -> Image:
    """Return a new BGR picture: the image with what is strange about it, framed in the verdict's colour.

    The image keeps its pixels and its size; the banner stands above it and a border around it, so nothing is covered
    or cut off. An image narrower than 640 px is enlarged by a whole factor (up to 4096 px of height), its pixels
    kept as squares. Where there is no image that can be shown, a gray plate says why.
    """
    image = inspection.image if inspection.image is not None and _can_be_shown(inspection.image) else None
    base = _enlarged(image) if image is not None else _plate(PLATE_SHAPE[0], PLATE_SHAPE[1], GRAY)
    line_px = _line_px(base)
    picture, inside = _framed(base, PAPER[inspection.verdict], line_px)
    if image is None:
        _explain(inside, inspection, line_px)
    else:
        _highlight(inside, inspection, inside.shape[1] // image.shape[1], line_px)
    _banner(picture, inspection, counts, line_px)
    return picture


def fitted(picture: Image, width: int, height: int) -> Image:
    """The picture scaled down, undistorted, until it fits; a smaller one is returned as it is."""
    factor = min(width / picture.shape[1], height / picture.shape[0])
    if factor >= 1:
        return picture
    size = max(1, int(picture.shape[1] * factor)), max(1, int(picture.shape[0] * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def ascii_text(text: str) -> str:
    """The text in printable ASCII: accents dropped, ligatures spelt out, line breaks as spaces, the rest as `?`."""
    plain = unicodedata.normalize("NFKD", " ".join(text.translate(_ASCII).split()))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_ASCII)
    return "".join(c if " " <= c <= "~" else "?" for c in plain)


def shortened(text: str, length: int) -> str:
    """At most `length` characters: the middle goes, because part names differ at their ends."""
    if len(text) <= length:
        return text
    if length <= 3:
        return text[: max(0, length)]
    tail = (length - 2) // 2
    return text[: length - 2 - tail] + ".." + text[len(text) - tail :]


def _can_be_shown(image: Image) -> bool:
    """A frame can be missed because what came is not a picture at all."""
    return image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0


def _enlarged(image: Image) -> Image:
    height, width = image.shape[:2]
    factor = min(math.ceil(MIN_WIDTH_PX / width), max(1, MAX_ENLARGED_PX // height))
    if factor == 1:
        return image
    size = width * factor, height * factor
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _line_px(base: Image) -> int:
    """Height of one line of text; every other size follows from it."""
    return max(18, int(base.shape[1]) // 40)


def _plate(height: int, width: int, colour: Colour) -> Image:
    """One colour. (copyMakeBorder fills fifty times faster than numpy does.)"""
    pixel = np.array([[colour]], np.uint8)
    filled = cv2.copyMakeBorder(pixel, 0, height - 1, 0, width - 1, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(filled, np.uint8)


def _framed(base: Image, colour: Colour, line_px: int) -> tuple[Image, Image]:
    """(a new picture with a banner above and a border around, the view of it that shows `base`)."""
    height, width = base.shape[:2]
    top, edge = _banner_px(line_px), max(4, line_px // 3)
    side = edge + max(0, (MIN_WIDTH_PX - width + 1) // 2)
    bordered = cv2.copyMakeBorder(base, top, edge, side, side, cv2.BORDER_CONSTANT, value=colour)
    picture = np.asarray(bordered, np.uint8)
    return picture, picture[top : top + height, side : side + width]


def _highlight(inside: Image, inspection: Inspection, factor: int, line_px: int) -> None:
    """Heat, strange colours, outlines and patches, in this order: a line must stay visible on what it encloses."""
    thickness = max(2, min(line_px // 10, inside.shape[0] // 40))
    threshold, anomaly_map = inspection.threshold, inspection.anomaly_map
    has_scale = math.isfinite(threshold) and threshold > 0  # without one, no map value means anything
    heat = _levels(anomaly_map, threshold, inside) if anomaly_map is not None and has_scale else None
    if heat is not None:
        _blend(inside, heat)
    strange = inspection.strange_colours
    if strange is not None:
        _paint_strange(inside, strange)
    if heat is not None:
        _outline(inside, heat, thickness)
    if inspection.patch_scores is not None and inspection.patch_scores.size > 1:
        _mark_patches(inside, inspection, factor, thickness, min(line_px, max(10, inside.shape[0] // 4)))


def _levels(anomaly_map: AnomalyMap, threshold: float, inside: Image) -> Levels:
    """The map as heat of the picture's size. The map's peak keeps its level: scaling must not smooth it away."""
    values = np.ascontiguousarray(anomaly_map, np.float32)
    capped = cv2.threshold(values, 2 * threshold, 0, cv2.THRESH_TRUNC)[1]
    small = np.asarray(cv2.convertScaleAbs(np.maximum(capped, 0), alpha=127.5 / threshold), np.uint8)
    height, width = inside.shape[:2]
    shrinks = small.shape[0] > height or small.shape[1] > width
    levels = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    row, col = np.unravel_index(int(values.argmax()), values.shape)
    peak = (2 * int(row) + 1) * height // (2 * small.shape[0]), (2 * int(col) + 1) * width // (2 * small.shape[1])
    levels[peak] = small[row, col]
    return np.asarray(levels, np.uint8)


def _bounds(mask: NDArray[np.uint8], margin: int = 0) -> tuple[slice, slice]:
    """The smallest window that holds every nonzero pixel, with a margin; an empty window where there is none."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return slice(0, 0), slice(0, 0)
    return slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width + margin)


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


def _paint(inside: Image, mask: NDArray[np.uint8], colour: Colour) -> None:
    """Set the pixels where the mask is not 0."""
    window = _bounds(mask)
    view = inside[window]
    if view.size:
        cv2.copyTo(_plate(view.shape[0], view.shape[1], colour), mask[window], view)


def _paint_strange(inside: Image, strange: Mask) -> None:
    mask = np.ascontiguousarray(strange).view(np.uint8)
    if mask.shape != inside.shape[:2]:
        size = inside.shape[1], inside.shape[0]
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    _paint(inside, mask, STRANGE)


def _outline(inside: Image, heat: Levels, thickness: int) -> None:
    """A line just outside each region above the threshold. Its cost does not depend on how many regions there are."""
    above = np.asarray(cv2.threshold(heat, ANOMALOUS_LEVEL - 1, 255, cv2.THRESH_BINARY)[1], np.uint8)
    window = _bounds(above, margin=2 * thickness)
    if above[window].size == 0:
        return
    kernel = np.ones((2 * thickness + 1, 2 * thickness + 1), np.uint8)
    ring = cv2.subtract(cv2.dilate(above[window], kernel), above[window])
    _paint(inside[window], np.asarray(ring, np.uint8), OUTLINE)


def _mark_patches(inside: Image, inspection: Inspection, factor: int, thickness: int, line_px: int) -> None:
    scores, boxes = inspection.patch_scores, inspection.patch_boxes
    if scores is None or boxes is None:
        return
    flat = scores.ravel()
    for index in np.flatnonzero(flat > inspection.threshold):
        _box(inside, boxes[index] * factor, thickness)
    worst = int(flat.argmax())
    if flat[worst] > inspection.threshold:
        _box(inside, boxes[worst] * factor, 2 * thickness)
        _label(inside, boxes[worst] * factor, _number(float(flat[worst])), line_px)


def _box(inside: Image, box: NDArray[np.int32], thickness: int) -> None:
    """A frame whose lines lie within the box, so that neighbours do not cover each other."""
    top, left, bottom, right = (int(v) for v in box)
    half = thickness // 2
    cv2.rectangle(inside, (left + half, top + half), (right - 1 - half, bottom - 1 - half), PATCH, thickness)


def _label(inside: Image, box: NDArray[np.int32], text: str, line_px: int) -> None:
    """The score on a red tab: above the box, or inside it where the picture ends."""
    width = _text_width(text, Letters(line_px)) + line_px // 2
    top = int(box[0]) - line_px if box[0] >= line_px else int(box[0])
    left = max(0, min(int(box[1]), inside.shape[1] - width))
    cv2.rectangle(inside, (left, top), (left + width, top + line_px), PATCH, cv2.FILLED)
    _write(inside, text, (left + line_px // 4, top), Letters(line_px), WHITE)


def _banner_px(line_px: int) -> int:
    return 3 * line_px + 2 * (line_px // 3)


def _banner(picture: Image, inspection: Inspection, counts: Counts, line_px: int) -> None:
    """The verdict large on the left, three lines beside it: which part, why, and the run so far."""
    margin, ink, large = line_px // 2, INK[inspection.verdict], Letters(2 * line_px, bold=True)
    _write(picture, inspection.verdict.name, (margin, line_px // 3 + line_px // 2), large, ink)
    left = margin + _text_width(Verdict.MISSED.name, large) + line_px
    room, letters = picture.shape[1] - left - margin, Letters(line_px)
    lines = _which(inspection, room, letters), _fit(_why(inspection), room, letters), _so_far(counts)
    for row, text in enumerate(lines):
        height = min(line_px, int(line_px * room / max(1, _text_width(text, letters))))  # figures are never shortened
        top = line_px // 3 + row * line_px + (line_px - height) // 2
        _write(picture, text, (left, top), Letters(height), ink)


def _which(inspection: Inspection, room: int, letters: Letters) -> str:
    product = _fit(ascii_text(inspection.product), int(room * 0.4), letters) + " | "
    part = ascii_text(inspection.part) or f"frame {inspection.index}"
    return product + _fit(part, room - _text_width(product, letters), letters)


def _why(inspection: Inspection) -> str:
    if inspection.verdict is not Verdict.MISSED:
        score, threshold = _number(inspection.score), _number(inspection.threshold)
        words = inspection.strangeness
        return f"score {score} / {threshold} | {words}" if words else f"score {score} / threshold {threshold}"
    return ascii_text(": ".join(filter(None, (_cause(inspection), inspection.detail))))


def _cause(inspection: Inspection) -> str:
    return inspection.cause.value if inspection.cause is not None else ""


def _so_far(counts: Counts) -> str:
    share = "-" if counts.captured == 0 else f"{100 * counts.yield_fraction:.1f} %"
    verdicts = f"pass {counts.passed} | fail {counts.failed} | missed {counts.missed}"
    return f"captured {counts.captured} | {verdicts} | yield {share}"


def _explain(inside: Image, inspection: Inspection, line_px: int) -> None:
    letters = Letters(int(1.3 * line_px))
    lines = ["NO PICTURE", _cause(inspection), *textwrap.wrap(ascii_text(inspection.detail), 45)[:8]]
    top = (inside.shape[0] - len(lines) * 2 * line_px) // 2
    for row, text in enumerate(lines):
        left = (inside.shape[1] - _text_width(text, letters)) // 2
        _write(inside, text, (left, top + row * 2 * line_px), letters, WHITE)


def _number(value: float) -> str:
    return f"{value:#.4g}".rstrip(".") if math.isfinite(value) else "-"


def _text_width(text: str, letters: Letters) -> int:
    return int(cv2.getTextSize(text, FONT, letters.scale, letters.thickness)[0][0])


def _fit(text: str, room: int, letters: Letters) -> str:
    """The text, its middle left out where it is wider than `room` pixels."""
    width = _text_width(text, letters)
    return text if width <= room else shortened(text, max(4, int(len(text) * room / width)))


def _write(picture: Image, text: str, corner: tuple[int, int], letters: Letters, ink: Colour) -> None:
    """One line of ASCII whose top left is `corner` (x, y)."""
    origin = corner[0], corner[1] + round(0.78 * letters.line_px)
    cv2.putText(picture, text, origin, FONT, letters.scale, ink, letters.thickness, cv2.LINE_AA)
