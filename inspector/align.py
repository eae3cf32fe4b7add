"""The fixture: find the part, turn and crop it into its canonical frame; and the way back for maps.

A part that lies any way round looks different in every frame; once it is turned into one pose, "what is normal at
that place" means something.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from inspector.errors import AlignError
from inspector.pose import Pose, find_part
from inspector.records import AnomalyMap, Boxes, Image

MARGIN = 0.1  # of the part's reach, left free around it
REACH = ("ahead", "behind", "aside")
MIN_AREA = 0.2  # of a good part's area: smaller is not the part
MIN_CONTRAST = 0.25  # of a good part's: in an empty picture, Otsu's method parts light from shade

# When good parts call for a fixture: one part stands clear of its background, always of the same size, clearly longer
# than wide, and not always in the same pose.
MIN_SHARE = 0.9  # of the foreground that must be one piece
MAX_SPREAD = 0.2  # of area, length and width: interquartile range over median
MIN_ELONGATION = 1.5  # length over width; a rounder part has no sure axis
MAX_COVERAGE = 0.5  # of the frame
MIN_TURN_DEG = 5.0  # deviation of the angle below which the part always lies the same way
MIN_SHIFT = 0.05  # deviation of the centre, over the part's length
MIN_SKEWNESS = 0.05  # absolute; below it, head and tail look alike
MIN_PARTS = 4  # fewer show nothing about how parts lie

_SIZES = ("area", "length", "width")
_LOOKED_AT = (*_SIZES, "share", "skewness")

Matrix = NDArray[np.float64]  # (2, 3): camera pixel -> pixel of the canonical frame


class Fixture(BaseModel):
    """How to bring a part of this product into its canonical frame. Learned from good parts, kept in the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bright: bool  # the part is brighter than its background
    length: Annotated[int, Field(gt=0)]  # canonical frame in camera pixels: columns
    width: Annotated[int, Field(gt=0)]  # rows
    centre: float  # column of the part's centre in it; the row is the middle one
    area: float  # of a usual good part, px
    contrast: float  # of a usual good part, gray levels

    def patch_shape(self, side: int, rows: int, cols: int, multiple: int) -> tuple[int, int]:
        """Height and width of a patch of this frame's grid, of about side * side pixels, multiples of `multiple`."""
        aspect = math.sqrt(self.length / cols / (self.width / rows))
        height, width = (max(1, round(length / multiple)) for length in (side / aspect, side * aspect))
        return multiple * height, multiple * width

    def matrix(self, image: Image) -> Matrix:
        """The part's transform. Raises AlignError where no part is found."""
        pose = find_part(image, self.bright)
        if pose is None or pose.area < MIN_AREA * self.area or pose.contrast < MIN_CONTRAST * self.contrast:
            raise AlignError("no part found in the picture")
        return self._matrix(pose.x, pose.y, pose.angle)

    def untouched(self, image: Image) -> Matrix:
        """The transform for a picture in which no part is found: its middle, not turned."""
        height, width = image.shape[:2]
        return self._matrix(width / 2, height / 2, 0.0)

    def _matrix(self, x: float, y: float, angle: float) -> Matrix:
        cos, sin = math.cos(angle), math.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        return np.column_stack([turn, np.array([self.centre, self.width / 2]) - turn @ [x, y]])

    def crop(self, image: Image, matrix: Matrix) -> Image:
        """The part in its canonical frame, (width, length, 3); what lies outside the picture repeats its border."""
        size = (self.length, self.width)
        return np.asarray(
            cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def map_back(self, anomaly_map: AnomalyMap, matrix: Matrix, height: int, width: int) -> AnomalyMap:
        """A map of the canonical frame -> one of the whole picture, at the map's own resolution; 0 outside the part."""
        rows, cols = anomaly_map.shape
        cell_x, cell_y = self.length / cols, self.width / rows
        step = min(cell_x, cell_y)
        out_rows, out_cols = max(1, round(height / step)), max(1, round(width / step))
        # out cell -> camera pixel -> canonical pixel -> map cell, all by their centres
        camera = _scaling(width / out_cols, height / out_rows)
        cells = _scaling(1 / cell_x, 1 / cell_y)
        full = cells @ np.vstack([matrix, [0, 0, 1]]) @ camera
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(anomaly_map, full[:2], (out_cols, out_rows), flags=flags), np.float32)

    def boxes_back(self, boxes: Boxes, matrix: Matrix, height: int, width: int) -> Boxes:
        """Upright boxes around patches of the canonical frame, in the picture."""
        back = cv2.invertAffineTransform(matrix)
        top, left, bottom, right = boxes.T.astype(np.float64)
        corners = np.stack([[left, top], [right, top], [right, bottom], [left, bottom]])  # (4, 2, n)
        turned = np.einsum("ij,kjn->kin", back[:, :2], corners) + back[:, 2, None]
        low, high = turned.min(0).round(), turned.max(0).round()
        stacked = np.stack([low[1], low[0], high[1], high[0]], axis=1)
        return np.asarray(np.clip(stacked, 0, [height, width, height, width]), np.int32)


def _scaling(x: float, y: float) -> Matrix:
    """(3, 3): index of a cell of x by y pixels -> coordinate of its centre in pixels, whose own centres are whole."""
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])


def learn_fixture(images: Iterable[Image], insist: bool = False) -> tuple[Fixture | None, str]:
    """Decide from good parts whether a fixture helps, and learn it; the text says what was decided and why.

    With `insist` it is learned in any case. Raises AlignError where even that is impossible.
    """
    dark: list[Pose | None] = []
    bright: list[Pose | None] = []
    shape = (0, 0)
    for image in images:
        shape = image.shape[:2]
        dark.append(find_part(image, bright=False))
        bright.append(find_part(image, bright=True))
    # The part is what does not touch the border.
    is_bright = sum(pose is not None and pose.clear for pose in bright) > sum(p is not None and p.clear for p in dark)
    poses = [pose for pose in (bright if is_bright else dark) if pose is not None]
    reason = _why_not(poses, len(dark), shape[0] * shape[1])
    if insist and not poses:
        raise AlignError("no part stands out from the background in any good image: align: none")
    if reason and not insist:
        return None, f"not aligned: {reason}"
    ahead, behind, aside = ((1 + MARGIN) * float(np.median([getattr(p, side) for p in poses])) for side in REACH)
    fixture = Fixture(
        bright=is_bright,
        length=math.ceil(ahead + behind),
        width=math.ceil(2 * aside),
        centre=behind,
        area=float(np.median([pose.area for pose in poses])),
        contrast=float(np.median([pose.contrast for pose in poses])),
    )
    return fixture, f"aligned: {reason or 'one part, the same every time, in any pose'}"


def _why_not(poses: Sequence[Pose], count: int, frame_area: int) -> str:
    """Why these parts need or allow no fixture; empty where they do."""
    if count < MIN_PARTS or len(poses) < count:
        return "too few good parts to see how they lie"
    middle = {name: float(np.median([getattr(pose, name) for pose in poses])) for name in _LOOKED_AT}
    reasons = {
        "no part stands clear of the border": np.mean([pose.clear for pose in poses]) < MIN_SHARE,
        "not one part, but several pieces": middle["share"] < MIN_SHARE,
        "the part does not segment the same way every time": any(_spread(poses, side) > MAX_SPREAD for side in _SIZES),
        "the part fills the frame": middle["area"] > MAX_COVERAGE * frame_area,
        "the part is too round to have a sure axis": middle["length"] < MIN_ELONGATION * middle["width"],
        "the part's two ends look alike": middle["skewness"] < MIN_SKEWNESS,
        "the part always lies the same way": not _moves(poses, middle["length"]),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _moves(poses: Sequence[Pose], length: float) -> bool:
    direction = np.exp(1j * np.array([pose.angle for pose in poses])).mean()
    turn_deg = math.degrees(math.sqrt(max(0.0, -2 * math.log(max(abs(direction), 1e-9)))))  # circular deviation
    shift = max(np.std([pose.x for pose in poses]), np.std([pose.y for pose in poses])) / length
    return bool(turn_deg > MIN_TURN_DEG or shift > MIN_SHIFT)


def _spread(poses: Sequence[Pose], name: str) -> float:
    low, middle, high = np.quantile([getattr(pose, name) for pose in poses], [0.25, 0.5, 0.75])
    return float((high - low) / middle)
