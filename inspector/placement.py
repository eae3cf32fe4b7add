"""Where a part's canonical frame lies in one picture: the way of pixels into it, and of maps and boxes back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Boxes, Image, Mask
from inspector.scaling import halved

Matrix = NDArray[np.float64]  # (2, 3): pixel of the camera's picture -> pixel of the view
Size = tuple[int, int]  # height, width

LINEAR, NEAREST = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True, slots=True)
class Placement:
    """A view of `size` pixels, and which pixel of the camera's picture each of them shows."""

    matrix: Matrix
    size: Size

    def at_most(self, size: Size) -> Placement:
        """Return the same view in no more rows and columns than these."""
        rows, cols = (min(own, most) for own, most in zip(self.size, size, strict=True))
        if (rows, cols) == self.size:
            return self
        smaller = np.linalg.inv(cell(self.size[1] / cols, self.size[0] / rows))
        return Placement((smaller @ np.vstack([self.matrix, [0, 0, 1]]))[:2], (rows, cols))

    @classmethod
    def of_picture(cls, height: int, width: int) -> Placement:
        """Return the view that is the picture itself."""
        return cls(np.eye(2, 3), (height, width))

    def section(self, top: int, left: int, bottom: int, right: int) -> Placement:
        """Return the view of a box of this one."""
        return Placement(self.matrix - [[0, 0, left], [0, 0, top]], (bottom - top, right - left))

    def crop(self, image: Image) -> Image:
        """Return the view, (*size, 3); what lies outside the picture repeats its border.

        Interpolation reads two pixels each way, so a picture more than twice as fine is halved first.
        """
        matrix = self.matrix
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        while scale <= 0.5:
            image, scale = halved(image), 2 * scale
            matrix = (np.vstack([matrix, [0, 0, 1]]) @ cell(2, 2))[:2]
        rows, cols = self.size
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(image, matrix, (cols, rows), flags=flags, borderMode=border), np.uint8)

    def map_back(self, anomaly_map: AnomalyMap, height: int, width: int, cells: Mask | None = None) -> AnomalyMap:
        """Return a map of the view -> one of the whole picture, at the map's own resolution; 0 outside the view.

        Where only some `cells` of the map count, it is 0 elsewhere, and does not fade towards their edge.
        """
        rows, cols = anomaly_map.shape
        cell_x, cell_y = self.size[1] / cols, self.size[0] / rows
        scale_x, scale_y = (float(np.hypot(*self.matrix[axis, :2])) for axis in (0, 1))
        step = min(cell_x / scale_x, cell_y / scale_y)  # camera pixels
        out_rows, out_cols = max(1, round(height / step)), max(1, round(width / step))
        # out cell -> camera pixel -> pixel of the view -> map cell, all by their centres
        camera = cell(width / out_cols, height / out_rows)
        full = cell(1 / cell_x, 1 / cell_y) @ np.vstack([self.matrix, [0, 0, 1]]) @ camera
        out = full[:2], (out_cols, out_rows)
        if cells is None:
            return np.asarray(cv2.warpAffine(anomaly_map, *out, flags=LINEAR), np.float32)
        found = cv2.warpAffine(anomaly_map, *out, flags=LINEAR, borderMode=cv2.BORDER_REPLICATE)
        kept = cv2.warpAffine(cells.view(np.uint8), *out, flags=NEAREST)
        return np.asarray(found * kept, np.float32)

    def mask_back(self, mask: Mask, height: int, width: int) -> Mask:
        """Carry a mask of the view's size over to the whole picture, (height, width); False outside the view."""
        return cv2.warpAffine(mask.view(np.uint8), self.matrix, (width, height), flags=NEAREST).astype(np.bool_)

    def boxes_back(self, boxes: Boxes, height: int, width: int) -> Boxes:
        """Return upright boxes around patches of the view, in the picture."""
        back = cv2.invertAffineTransform(self.matrix)
        top, left, bottom, right = boxes.T.astype(np.float64)
        corners = np.stack([[left, top], [right, top], [right, bottom], [left, bottom]])  # (4, 2, n)
        turned = np.einsum("ij,kjn->kin", back[:, :2], corners) + back[:, 2, None]
        low, high = turned.min(0).round(), turned.max(0).round()
        stacked = np.stack([low[1], low[0], high[1], high[0]], axis=1)
        return np.asarray(np.clip(stacked, 0, [height, width, height, width]), np.int32)


def cell(x: float, y: float) -> Matrix:
    """Return (3, 3): index of a cell of x by y pixels -> coordinate of its centre in px; pixels have whole ones."""
    return np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5], [0, 0, 1]])
