"""What is too small, or too little but a colour, for the backbone: pixels against those around them, place by place.

The backbone sees a part in half the pixels, and hardly minds a hue. So two plain features of the full picture are
watched beside it: how much a pixel's luminance differs from its 5 x 5 surroundings, and how much the colour of an
8 x 8 block differs from the blocks around it. Neither minds how bright the lamp is. Good parts say what is usual at
each place (mean and deviation), and how strange the strangest of them looked there or next to there: edges that lie a
little differently on each part must not hide nor be the defect.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

BLOCK = 8  # pixels each way that share a cell of the map
AROUND = 5  # pixels, or blocks, each way that something is compared with
PRIOR_PARTS = 5.0  # a place's own variance counts for as much as this many good parts against that of all places
NOISE = 1.0  # gray levels: rounding and compression; where good parts never differ, this much is nothing
CHUNK = 16  # parts at a time


class DetailFront(nn.Module):
    """Pixels (n, 3, h, w) -> contrast (n, 4, h / 2 - 2, w / 2 - 2) and colour (n, 3, h / 8, w / 8), in gray levels.

    The four channels of contrast are the four pixels of each square of two by two: a stride does the work of a shift.
    The two outermost pixels have none: with half their surroundings unknown, the lamp's brightness would show there.
    """

    kernels: Tensor

    def __init__(self) -> None:
        super().__init__()
        kernels = torch.zeros(4, 3, AROUND + 1, AROUND + 1)
        for number in range(4):
            top, left = divmod(number, 2)
            kernels[number, :, top : top + AROUND, left : left + AROUND] = -1 / AROUND**2
            kernels[number, :, top + AROUND // 2, left + AROUND // 2] += 1
        self.register_buffer("kernels", kernels / 3)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        blocks = F.avg_pool2d(pixels, BLOCK)
        around = F.avg_pool2d(blocks, AROUND, 1, AROUND // 2, count_include_pad=False)
        return F.conv2d(pixels, self.kernels, stride=2), blocks - around


class Contrast(nn.Module):
    """Contrast of pictures (n, h, w) -> how strange each block is, (n, h / 8, w / 8): 1 = as good parts ever were."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.half())
        self.register_buffer("scale", scale)

    def forward(self, contrast: Tensor) -> Tensor:
        return _largest(contrast, self.mean.float()) * self.scale


class Colour(nn.Module):
    """Colour (n, 3, h, w) -> how strange each block is, (n, h, w): 1 = as strange as good parts ever were there."""

    mean: Tensor
    whitening: Tensor

    def __init__(self, mean: Tensor, whitening: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", whitening)

    def forward(self, colour: Tensor) -> Tensor:
        return _whitened(colour - self.mean, self.whitening)


def fit_contrast(contrast: Tensor) -> Contrast:
    """Learn from the contrast of good parts (n, 4, h / 2 - 2, w / 2 - 2), n >= 1."""
    count, mean = len(contrast), contrast.mean(0).half().float()  # as the model will hold it
    chunks = contrast.split(CHUNK)  # the temporary tensors of a whole good set would fill the memory
    squares = sum(_mean_square(chunk - mean).sum(0) for chunk in chunks)
    deviation = _shrunk(torch.as_tensor(squares), count, NOISE).sqrt()
    highest = torch.stack([_largest(chunk, mean).amax(0) for chunk in chunks]).amax(0) / deviation
    return Contrast(mean, 1 / (deviation * _usual(highest, count)))


def fit_colour(colour: Tensor) -> Colour:
    """Learn from good parts (n, 3, h, w), n >= 1."""
    count, mean = len(colour), colour.mean(0)
    residual = colour - mean
    noise = NOISE / BLOCK * torch.eye(3, device=colour.device)
    covariance = _shrunk(torch.einsum("nihw,njhw->hwij", residual, residual), count, noise)
    eye = torch.eye(3, device=colour.device).expand_as(covariance)
    whitening = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), eye, upper=False).permute(2, 3, 0, 1)
    highest = _whitened(residual, whitening).amax(0)
    return Colour(mean, whitening / _usual(highest, count))


def _largest(contrast: Tensor, mean: Tensor) -> Tensor:
    """The largest deviation in each block, (n, h / 8, w / 8), in gray levels; blocks at the border lack two pixels."""
    return F.max_pool2d((contrast - mean).abs(), BLOCK // 2, padding=1).amax(1)


def _mean_square(deviation: Tensor) -> Tensor:
    return F.avg_pool2d(deviation.square(), BLOCK // 2, padding=1, count_include_pad=False).mean(1)


def _whitened(residual: Tensor, whitening: Tensor) -> Tensor:
    """(n, 3, h, w) and (3, 3, h, w) -> root mean square at each place, (n, h, w)."""
    return (whitening * residual[:, None]).sum(2).square().mean(1).sqrt()


def _shrunk(squares: Tensor, count: int, noise: Tensor | float) -> Tensor:
    """Sums of squared residuals at each place (h, w, ...) -> variances, part of each from all places."""
    own = squares * _unseen(count) ** 2
    pooled = own.mean((0, 1), keepdim=True) / count
    return (own + PRIOR_PARTS * pooled) / (count + PRIOR_PARTS) + noise


def _usual(highest: Tensor, count: int) -> Tensor:
    """The highest that good parts reach at each place (h, w) -> there or next to there; never below a deviation."""
    return F.max_pool2d(_unseen(count) * highest[None, None], 3, 1, 1)[0, 0].clamp_min(1)


def _unseen(count: int) -> float:
    """A part differs from the mean of all parts by less than from the mean of the others, by this factor."""
    return count / (count - 1) if count > 1 else 1.0
