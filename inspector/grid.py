"""Cutting an image into a grid of patches, and putting the patches' anomaly maps together again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Boxes, Image, Patches
from inspector.scaling import resize


@dataclass(frozen=True)
class Grid:
    """Rows and columns of patches; `overlap` is the fraction of its side that a patch shares with the next one.

    All patches of an image cover boxes of one size, so the model sees every part of the image at the same scale. A
    remainder becomes overlap: where 900 px are cut into 8, each box is 113 px and some neighbours share one.
    """

    rows: int
    cols: int
    overlap: float = 0.0

    def __post_init__(self) -> None:
        if self.rows < 1 or self.cols < 1:
            raise ValueError(f"grid is {self}, wanted at least 1x1")
        if not 0 <= self.overlap <= 0.5:
            raise ValueError(f"grid overlap is {self.overlap}, wanted a fraction of the patch from 0 to 0.5")

    @classmethod
    def parse(cls, text: str, overlap: float = 0.0) -> Grid:
        """Parse text: `2x3` is two rows of three columns, `8` is 8x8. Raises ValueError for anything else."""
        match = re.fullmatch(r"\s*([0-9]{1,4})(?:\s*x\s*([0-9]{1,4}))?\s*", text)
        if match is None:
            raise ValueError(f"grid is {text!r}, wanted ROWSxCOLUMNS such as 2x3, or one number such as 8 for 8x8")
        return cls(int(match[1]), int(match[2] or match[1]), overlap)

    def __str__(self) -> str:
        return f"{self.rows}x{self.cols}"

    @property
    def patches(self) -> int:
        """How many patches an image gives."""
        return self.rows * self.cols

    def boxes(self, height: int, width: int) -> Boxes:
        """Return (rows * cols, 4) int32: top, left, bottom, right in px, row by row; read-only, computed once per size.

        Every pixel lies in a box. In an image with fewer pixels than the grid has cells, boxes of one pixel repeat.
        """
        return _boxes(self, height, width)

    def size(self, patch: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of an image that is cut into patches of that size as they are."""
        height, width = (
            int(side * (count - (count - 1) * self.overlap))
            for side, count in zip(patch, (self.rows, self.cols), strict=True)
        )
        return height, width

    def split(self, image: Image, patch: tuple[int, int], out: Patches | None = None) -> Patches:
        """Return (rows * cols, *patch, 3): each box of an image resized to `patch` (height, width), in `out` if given.

        Raises ValueError where `out` is no contiguous uint8 array of that shape.
        """
        shape = (self.patches, *patch, 3)
        out = np.empty(shape, np.uint8) if out is None else out
        if out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(f"out is {out.dtype} {out.shape}, wanted contiguous uint8 {shape}")
        for (top, left, bottom, right), target in zip(self.boxes(*image.shape[:2]).tolist(), out, strict=True):
            resize(image[top:bottom, left:right], target)
        return out

    def merge(self, maps: NDArray[np.float32], height: int, width: int) -> AnomalyMap:
        """Merge (rows * cols, m, m) -> (height', width') for an image of that size; where patches overlap, the maximum.

        The maximum, not the mean: averaging would hide a defect that one patch sees. No map is resampled, each is put
        where its patch lies, to within a cell; so what a patch saw stands in the result as it was, nan included. Only
        where a map has more cells than its box has pixels, each pixel takes the highest of its cells.
        The result is about rows * m x cols * m, less the overlap, and at most height x width. 1x1 returns the map
        itself, of whatever size, without a copy. Raises ValueError for a wrong number of maps.
        """
        if len(maps) != self.patches:
            raise ValueError(f"{len(maps)} anomaly maps for a grid of {self} ({self.patches} patches)")
        if self.patches == 1:
            single: AnomalyMap = maps[0]
            return single
        cells_y, rows = _layout(self.rows, self.overlap, height, maps.shape[1])
        cells_x, cols = _layout(self.cols, self.overlap, width, maps.shape[2])
        maps = _highest(_highest(maps, cells_y, axis=1), cells_x, axis=2)
        canvas = np.full((rows[-1] + cells_y, cols[-1] + cells_x), -np.inf, np.float32)
        for (top, left), one in zip(product(rows, cols), maps, strict=True):
            place = canvas[top : top + cells_y, left : left + cells_x]
            np.maximum(place, one, out=place)
        return canvas


@lru_cache(maxsize=64)
def _boxes(grid: Grid, height: int, width: int) -> Boxes:
    side_y, tops = _cut(grid.rows, grid.overlap, height)
    side_x, lefts = _cut(grid.cols, grid.overlap, width)
    boxes = np.array([(top, left, top + side_y, left + side_x) for top, left in product(tops, lefts)], np.int32)
    boxes.flags.writeable = False
    return boxes


def _cut(count: int, overlap: float, length: int) -> tuple[int, tuple[int, ...]]:
    """Return (side, starts) of `count` equal intervals that cover 0 to `length`; overlap = shared fraction.

    count sides, less the overlap of count - 1 pairs, make the length. Integers from there on, so that no rounding
    error opens a gap: consecutive starts differ by at most the side.
    """
    exact = length / (count - (count - 1) * overlap)
    side = min(length, max(1, int(np.ceil(exact - 1e-9))))
    if count == 1:
        return side, (0,)
    last, pairs = length - side, count - 1
    return side, tuple((2 * i * last + pairs) // (2 * pairs) for i in range(count))


@lru_cache(maxsize=64)
def _layout(count: int, overlap: float, length: int, map_side: int) -> tuple[int, tuple[int, ...]]:
    """Return (cells, starts) of the patches along one axis of the canvas; the canvas ends where the last patch does.

    Each patch is centred where its box is, to half a cell, then pushed inside. The canvas is rounded down, so a box is
    never longer than its patch's cells, and the patches leave no gap.
    """
    side, starts = _cut(count, overlap, length)
    cells = min(map_side, side)
    canvas = cells * length // side
    centred = (((2 * start + side) * canvas + (1 - cells) * length) // (2 * length) for start in starts)
    return cells, tuple(min(max(0, start), canvas - cells) for start in centred)


def _highest(maps: NDArray[np.float32], cells: int, axis: int) -> NDArray[np.float32]:
    """Shrink `axis` to `cells`, each the maximum of the map cells it covers; as it is where it is small enough.

    A linear or area resize would lower the peaks, and a peak is what the part is judged by.
    """
    size = maps.shape[axis]
    if size <= cells:
        return maps
    starts = np.arange(cells + 1) * size // cells
    shrunk: NDArray[np.float32] = maps.take(starts[:-1], axis=axis)
    for step in range(1, -(-size // cells)):  # as many passes as the widest cell has map cells: not one per cell
        np.maximum(shrunk, maps.take(np.minimum(starts[:-1] + step, starts[1:] - 1), axis=axis), out=shrunk)
    return shrunk
