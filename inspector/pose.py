"""Where a part lies in a picture: what stands out from its background (Otsu, IEEE Trans. SMC 9, 1979).

Its pose is the centre and the principal axis of its area's moments, head and tail told apart by the axis' skewness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import Image
from inspector.scaling import small_gray, within

WORK_PX = 480  # longer side of the picture in which the part is looked for: its axis is sure to a fraction of a degree

Gray = NDArray[np.uint8]  # (height, width)


@dataclass(frozen=True)
class Pose:
    """Where one part lies, in pixels of the camera's picture. How far it reaches is only worked out when asked for."""

    x: float  # centre of mass: steadier than the middle of the extent, which hangs on a few pixels
    y: float
    angle: float  # radians, of the axis from tail to head
    area: float
    contrast: float  # gray levels between the part and what is not foreground
    share: float  # of the foreground that this part is
    skewness: float  # along the axis: how sure head and tail are told apart
    clear: bool  # touches no border of the frame
    silhouette: _Silhouette = field(repr=False)

    @property
    def ahead(self) -> float:
        """How far the part reaches from its centre towards the head."""
        return self._reach[0]

    @property
    def behind(self) -> float:
        """How far it reaches towards the tail."""
        return self._reach[1]

    @property
    def aside(self) -> float:
        """How far it reaches to either side, at most."""
        return self._reach[2]

    @property
    def length(self) -> float:
        return self.ahead + self.behind

    @property
    def width(self) -> float:
        return 2 * self.aside

    @cached_property
    def _reach(self) -> tuple[float, float, float]:
        c, s = math.cos(self.angle), math.sin(self.angle)
        from_centre = self.silhouette.outline() - [self.x, self.y]
        along, across = from_centre @ [c, s], from_centre @ [-s, c]
        return float(along.max()), float(-along.min()), float(np.abs(across).max())


@dataclass(frozen=True)
class _Silhouette:
    """The pixels of one part, in the picture in which it was looked for."""

    mask: Gray  # 1 where the part is, in the box around it
    left: int  # of that box
    top: int
    scale: float  # of that picture, over the camera's

    def in_camera(self, along: float) -> float:
        """Return a coordinate in the camera's picture: the centres of pixels are whole numbers in both."""
        return (along + 0.5) / self.scale - 0.5

    def outline(self) -> NDArray[np.float64]:
        """Return (n, 2): x, y of the pixels along it, in the camera's picture."""
        corner = self.left, self.top
        contours, _ = cv2.findContours(self.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=corner)
        return (np.concatenate(contours)[:, 0].astype(np.float64) + 0.5) / self.scale - 0.5


def find_part(image: Image, bright: bool) -> Pose | None:
    """Return the largest piece brighter (or darker) than its surroundings; None where the picture has one shade."""
    height, width = within(WORK_PX, *image.shape[:2])
    gray = cv2.GaussianBlur(small_gray(image, (height, width)), (5, 5), 0)
    kind = cv2.THRESH_BINARY if bright else cv2.THRESH_BINARY_INV
    _, mask = cv2.threshold(gray, 0, 255, kind | cv2.THRESH_OTSU)
    count, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(mask, 8, cv2.CV_16U, cv2.CCL_SPAGHETTI)
    if count < 2 or mask.all():
        return None
    label = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = (int(value) for value in stats[label])
    box = slice(top, top + height), slice(left, left + width)
    inside = np.asarray(labels[box] == label, np.uint8)
    moments = cv2.moments(inside)
    angle, skewness = _axis(moments)
    silhouette = _Silhouette(inside, left, top, gray.shape[1] / image.shape[1])
    return Pose(
        x=silhouette.in_camera(left + moments["m10"] / moments["m00"]),
        y=silhouette.in_camera(top + moments["m01"] / moments["m00"]),
        angle=angle,
        area=area / silhouette.scale**2,
        contrast=abs(cv2.mean(gray[box], inside)[0] - cv2.mean(gray, cv2.bitwise_not(mask))[0]),
        share=area / float(stats[1:, cv2.CC_STAT_AREA].sum()),
        skewness=skewness,
        clear=left > 0 and top > 0 and left + width < gray.shape[1] and top + height < gray.shape[0],
        silhouette=silhouette,
    )


def _axis(m: dict[str, float]) -> tuple[float, float]:
    """Return the angle of the principal axis from tail to head, radians, and the skewness along it (not negative)."""
    angle = 0.5 * math.atan2(2 * m["mu11"], m["mu20"] - m["mu02"])
    c, s = math.cos(angle), math.sin(angle)
    variance = (c * c * m["mu20"] + 2 * c * s * m["mu11"] + s * s * m["mu02"]) / m["m00"]
    third = c**3 * m["mu30"] + 3 * c * c * s * m["mu21"] + 3 * c * s * s * m["mu12"] + s**3 * m["mu03"]
    skewness = third / m["m00"] / max(variance, 1e-9) ** 1.5
    return (angle, skewness) if skewness >= 0 else (angle + math.pi, -skewness)
