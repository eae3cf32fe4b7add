"""Features of several depths of the backbone: one after the other in a row, side by side, averaged, cut into blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor

COARSEST_BLOCK = 2  # positions of the coarsest level that share a covariance, each way: 32 x 32 pixels of the patch

Shape = tuple[int, int, int]  # channels, height, width of one level
Rows = Tensor | slice  # which of several rows: indices (k), or a range
ALL = slice(None)


def split(rows: Tensor, shapes: Sequence[Shape]) -> list[Tensor]:
    """Map (n, d) -> the levels it holds, (n, c, h, w) each."""
    sizes = [math.prod(shape) for shape in shapes]
    return [part.unflatten(1, shape) for part, shape in zip(rows.split(sizes, 1), shapes, strict=True)]


def together(levels: Sequence[Tensor]) -> Tensor:
    """Return all levels at the middle one's resolution, (n, all channels, h, w)."""
    size = [int(side) for side in levels[len(levels) // 2].shape[-2:]]
    return torch.cat([_resized(level, size) for level in levels], 1)


def views(levels: Sequence[Tensor], joint: bool) -> list[Tensor]:
    """Choose what is whitened: all levels together, or each alone; the finest averaged, for one cell is noise."""
    if joint:
        return [_smooth(together(levels))]
    return [_smooth(levels[0]), *levels[1:]]


def averaged(rows: Tensor, shapes: Sequence[Shape]) -> Tensor:
    """Average (n, d) to the coarsest level's resolution, (n, d'): all levels count alike in a code."""
    factors = [shape[1] // shapes[-1][1] for shape in shapes]
    levels = zip(split(rows, shapes), factors, strict=True)
    return torch.cat([F.avg_pool2d(level, factor).flatten(1) for level, factor in levels], 1)


def spread(rows: Tensor, shapes: Sequence[Shape]) -> Tensor:
    """Return the way back from `averaged`: each cell's value at all the places it is the mean of."""
    height, width = shapes[-1][1:]
    coarse = split(rows, [(channels, height, width) for channels, _, _ in shapes])
    factors = [shape[1] // height for shape in shapes]
    levels = zip(coarse, factors, strict=True)
    return torch.cat([F.interpolate(level, scale_factor=factor).flatten(1) for level, factor in levels], 1)


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, (n, h, w) -> (n, *size). As products of matrices: in ONNX Runtime several times as fast as a resize."""
    down, across = (_steps(old, new, maps.device) for old, new in zip(maps.shape[1:], size, strict=True))
    return down.T @ maps @ across


def block_side(height: int, shapes: Sequence[Shape]) -> int:
    """Side of the blocks that share a covariance: the same part of the picture at every level."""
    return COARSEST_BLOCK * height // shapes[-1][1]


def to_blocks(x: Tensor, block: int) -> Tensor:
    """Map (n, c, h, w) -> (blocks, c, n * block²): the samples of each block side by side."""
    _, channels, height, width = x.shape
    cut = x.reshape(-1, channels, height // block, block, width // block, block)
    return cut.permute(2, 4, 1, 0, 3, 5).reshape((height // block) * (width // block), channels, -1)


def from_blocks(x: Tensor, height: int, width: int, block: int) -> Tensor:
    """Map (blocks, n * block²) -> (n, h, w): the way back."""
    cut = x.reshape(height // block, width // block, -1, block, block)
    return cut.permute(2, 0, 3, 1, 4).reshape(-1, height, width)


def _resized(level: Tensor, size: list[int]) -> Tensor:
    factor = int(level.shape[-1]) // size[1]
    if factor > 1:
        return F.avg_pool2d(level, factor)
    return F.interpolate(level, size=size, mode="bilinear", align_corners=False) if factor < 1 else level


def _smooth(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _steps(old: int, new: int, device: torch.device) -> Tensor:
    """Return (old, new): how much of each old cell is in each new one."""
    eye = torch.eye(old, device=device)[None]
    return F.interpolate(eye, size=new, mode="linear", align_corners=False)[0]
