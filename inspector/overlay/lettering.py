"""Text on a picture."""

from __future__ import annotations

from typing import NamedTuple

import cv2

from inspector.records import Image
from inspector.text import shortened

Bgr = tuple[int, int, int]  # BGR

FONT = cv2.FONT_HERSHEY_SIMPLEX


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

    def width_px(self, text: str) -> int:
        """Return how wide the text is."""
        return int(cv2.getTextSize(text, FONT, self.scale, self.thickness)[0][0])

    def fit(self, text: str, room_px: int) -> str:
        """Return the text, its middle left out where it is wider than `room_px`."""
        width_px = self.width_px(text)
        return text if width_px <= room_px else shortened(text, max(4, int(len(text) * room_px / width_px)))

    def write(self, picture: Image, text: str, corner: tuple[int, int], ink: Bgr) -> None:
        """Write one line of ASCII whose top left is `corner` (x, y)."""
        origin = corner[0], corner[1] + round(0.78 * self.line_px)
        cv2.putText(picture, text, origin, FONT, self.scale, ink, self.thickness, cv2.LINE_AA)
