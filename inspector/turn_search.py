"""Where a template lies in a picture, whichever way round: a coarse search over turns and shifts.

Correlation of the picture with the template at each of a circle's turns, at all shifts at once, by Fourier transforms.
What it finds is right to a few degrees and pixels; `inspector.align` refines it. A round part's outline looks the same
at every turn, and drowns the few marks that tell; so, once its place is sure, rings around its middle are correlated,
without what is the same all around.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.placement import Matrix
from inspector.scaling import within

SIDE = 48  # pixels each way: 64 take three times as long, and find the same turns of real parts; 32 are less sure
TURNS = 48  # of a full circle: a refinement from half a step off, 4 degrees, always got there
FARTHEST = (
    0.3  # of the picture's longer side: a part that lies farther from where the template has it is not looked for
)
RIVAL = 0.8  # of the best correlation: a turn with less is not looked at
ANGLES, RADII = 128, 48  # of the rings
LAMP = 2  # first harmonics of a ring that are left out: its mean, and a lamp's side, which does not turn with the part
FADES = 0.2  # of the radius: the picture's corners are not there at every turn

Gray = NDArray[np.uint8]  # (height, width)


class TurnSearch:
    """Looks for one template; `middle` is that of its part, x and y, px."""

    def __init__(self, template: Gray) -> None:
        self._shape = template.shape
        rows, cols = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
        self._window = np.clip((1 - np.hypot(rows, cols) / (SIDE / 2)) / FADES, 0, 1).astype(np.float32)
        self._turns = np.arange(TURNS) * (2 * math.pi / TURNS)
        square, middle = self._square(template), ((SIDE - 1) / 2, (SIDE - 1) / 2)
        turned = [
            cv2.warpAffine(
                square,
                cv2.getRotationMatrix2D(middle, -math.degrees(turn), 1.0),
                (SIDE, SIDE),
                borderMode=cv2.BORDER_REPLICATE,
            )
            for turn in self._turns
        ]
        self._spectra = np.conj(np.stack([self._spectrum(np.asarray(each, np.float32)) for each in turned]))
        far = int(FARTHEST * SIDE)
        self.middle, self._reach = _middle_of(template)
        self._rings = np.conj(self._ring_spectra(template))
        self._shifts = np.r_[: far + 1, SIDE - far : SIDE]  # a negative one stands at the end

    def best(self, picture: Gray) -> list[Matrix]:
        """Return the best one or two: (2, 3), pixel of the template -> pixel of a picture of its size."""
        every = np.fft.irfft2(self._spectra * self._spectrum(self._square(picture)), s=(SIDE, SIDE))
        near = every[:, self._shifts][:, :, self._shifts].reshape(TURNS, -1)
        place, value = near.argmax(1), near.max(1)
        peaks = np.flatnonzero((value >= np.roll(value, 1)) & (value >= np.roll(value, -1)))
        peaks = peaks[np.argsort(-value[peaks])][:2]
        return [self._placed(int(turn), int(place[turn])) for turn in peaks if value[turn] >= RIVAL * value[peaks[0]]]

    def still_off(self, picture: Gray) -> Matrix | None:
        """Return the turn about the part's middle by which a picture is off that lies right but for that; None: none.

        (2, 3): pixel of the template -> pixel of the picture, both of one size.
        """
        alike = np.fft.irfft((self._rings * self._ring_spectra(picture)).sum(1), n=ANGLES)
        step = int(alike.argmax())
        if step in (0, 1, ANGLES - 1):
            return None
        return np.asarray(cv2.getRotationMatrix2D(self.middle, -step * 360 / ANGLES, 1.0), np.float64)

    def _ring_spectra(self, picture: Gray) -> NDArray[np.complex64]:
        """Return (harmonics, radii), each ring counted by its length."""
        size, flags = (RADII, ANGLES), cv2.INTER_LINEAR | cv2.WARP_POLAR_LINEAR
        rings = cv2.warpPolar(picture, size, self.middle, self._reach, flags)
        spectra = np.fft.rfft(np.asarray(rings, np.float32), axis=0) * np.sqrt(np.arange(RADII) + 0.5)
        spectra[:LAMP] = 0
        return np.asarray(spectra, np.complex64)

    def _square(self, picture: Gray) -> NDArray[np.float32]:
        """Return the picture as small as it is searched, in the middle of (SIDE, SIDE)."""
        height, width = within(SIDE, *picture.shape)
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        border = top, SIDE - height - top, left, SIDE - width - left
        return np.asarray(cv2.copyMakeBorder(small, *border, cv2.BORDER_REPLICATE), np.float32)

    def _spectrum(self, square: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Return it with mean 0 and length 1 within the window, so that lamps do not matter."""
        mean = (square * self._window).sum() / self._window.sum()
        clear = (square - mean) * self._window
        return np.asarray(np.fft.rfft2(clear / max(float(np.linalg.norm(clear)), 1e-6)), np.complex64)

    def _placed(self, turn: int, place: int) -> Matrix:
        cos, sin = math.cos(self._turns[turn]), math.sin(self._turns[turn])
        down, across = (int(self._shifts[axis]) for axis in divmod(place, len(self._shifts)))
        shift = [each - SIDE if each > SIDE / 2 else each for each in (across, down)]
        height, width = self._shape
        scale = max(height, width) / max(within(SIDE, height, width))
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        rotation = np.array([[cos, -sin], [sin, cos]])
        return np.column_stack([rotation, middle - rotation @ middle + scale * np.array(shift, np.float64)])


def _middle_of(template: Gray) -> tuple[tuple[float, float], float]:
    """Return x and y of the middle of what is not as its border, and how far it is to the next side, px."""
    border = np.concatenate([template[0], template[-1], template[:, 0], template[:, -1]])
    moments = cv2.moments(np.abs(template.astype(np.float32) - np.float32(np.median(border))))
    height, width = template.shape
    if not moments["m00"]:
        return (width / 2, height / 2), min(height, width) / 2
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    return (x, y), max(min(x, y, width - 1 - x, height - 1 - y), min(height, width) / 4)


def composed(first: Matrix, second: Matrix) -> Matrix:
    """Return the (2, 3) of what the second does after the first."""
    return np.asarray((np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2])
