"""Synthetic defects: good pictures with something wrong, for choosing between models where no real defects exist.

Pieces from elsewhere (CutPaste, Li et al., CVPR 2021), shades, colours, blurs and noise in soft irregular shapes. They
never train a model and never set a threshold; they only say which of several finds more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from inspector.records import Image

AREA = (0.0005, 0.02)  # of the picture, log-uniform: from a speck to a dent
STRENGTH = (0.3, 1.0)  # of the change, from hardly seen to plain
COARSE = 32  # cells each way of the map that says where there is something to add_defect

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DefectiveCopy:
    """A picture with one synthetic defect."""

    image: Image
    kind: str
    share: float  # of the picture, about


def add_defect(image: Image, other: Image, rng: Generator) -> DefectiveCopy:
    """Copy a good picture with one defect. `other`, of the same size, is another good part to take pieces from."""
    name, kind = KINDS[int(rng.integers(len(KINDS)))]
    height, width = _size(image, rng, stretched=name == SCRATCH)
    y, x = _place(image, height, width, rng)
    defective = image.astype(np.float32)
    region = defective[y : y + height, x : x + width]
    mask = _shape(height, width, rng) * rng.uniform(*STRENGTH)
    region += mask * (kind(region, other, rng) - region)
    changed = float(np.count_nonzero(mask)) / (image.shape[0] * image.shape[1])
    return DefectiveCopy(np.clip(defective, 0, 255).astype(np.uint8), name, changed)


def _piece(region: Field, other: Image, rng: Generator) -> Field:
    height, width = region.shape[:2]
    y, x = _place(other, height, width, rng)
    piece = other[y : y + height, x : x + width].astype(np.float32)
    return np.asarray(piece[::-1] if rng.random() < 0.5 else piece, np.float32)


def _shade(region: Field, other: Image, rng: Generator) -> Field:
    return np.asarray(region + rng.choice([-1, 1]) * rng.uniform(15, 70), np.float32)


def _hue(region: Field, other: Image, rng: Generator) -> Field:
    return region + rng.uniform(-60, 60, 3).astype(np.float32)


def _blur(region: Field, other: Image, rng: Generator) -> Field:
    return np.asarray(cv2.GaussianBlur(region, (0, 0), rng.uniform(2, 6)), np.float32)


def _noise(region: Field, other: Image, rng: Generator) -> Field:
    return region + rng.normal(0, 25, (*region.shape[:2], 1)).astype(np.float32)


SCRATCH = "scratch"
KINDS: tuple[tuple[str, Callable[[Field, Image, Generator], Field]], ...] = (
    (SCRATCH, _piece),
    ("wrong piece", _piece),
    ("shade", _shade),
    ("colour", _hue),
    ("blur", _blur),
    ("roughness", _noise),
)


def _size(image: Image, rng: Generator, *, stretched: bool) -> tuple[int, int]:
    """Return height and width of a defect; a stretched one is a scratch."""
    rows, cols = image.shape[:2]
    area = math.exp(rng.uniform(*np.log(AREA))) * rows * cols
    aspect = math.exp(rng.choice([-1, 1]) * rng.uniform(1.2, 2.5) if stretched else rng.uniform(-0.7, 0.7))
    height, width = math.sqrt(area / aspect), math.sqrt(area * aspect)
    return int(np.clip(height, 3, rows - 1)), int(np.clip(width, 3, cols - 1))


def _place(image: Image, height: int, width: int, rng: Generator) -> tuple[int, int]:
    """Top and left of a box, mostly where the picture has structure: on the part rather than on its background."""
    rows, cols = image.shape[:2]
    gray = cv2.cvtColor(cv2.resize(image, (4 * COARSE, 4 * COARSE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    slopes = np.abs(cv2.Laplacian(cv2.GaussianBlur(gray, (5, 5), 0), cv2.CV_32F))
    busy = cv2.resize(slopes, (COARSE, COARSE), interpolation=cv2.INTER_AREA).astype(np.float64) + 1e-6
    row, col = divmod(int(rng.choice(busy.size, p=(busy / busy.sum()).ravel())), COARSE)
    y, x = (row + rng.random()) * rows / COARSE, (col + rng.random()) * cols / COARSE
    return int(np.clip(y - height / 2, 0, rows - height)), int(np.clip(x - width / 2, 0, cols - width))


def _shape(height: int, width: int, rng: Generator) -> Field:
    """Return a soft irregular blob, (height, width, 1) in 0..1."""
    bumps = cv2.resize(rng.normal(size=(5, 5)), (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    inside = (np.sqrt(y**2 + x**2) + 0.25 * bumps < 0.8).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), max(0.5, min(height, width) / 20))
    return np.asarray(soft, np.float32)[..., None]
