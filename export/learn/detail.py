"""What is too small, or too little but a colour, for the backbone: pixels against those around them, place by place.

The backbone sees a part in half the pixels, and hardly minds a hue. So two plain features of the full picture are
watched beside it: how much a pixel's luminance differs from its 5 x 5 surroundings, and how much the colour of an
8 x 8 block differs, as a ratio, from the blocks around it. Neither minds much how bright the lamp is. Good parts say
what is usual at each place (mean and deviation), and how strange the strangest of them looked there or next to there:
edges that lie a little differently on each part must not hide nor be the defect.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

BLOCK = 8  # pixels each way that share a cell of the map
AROUND = 5  # pixels, or blocks, each way that something is compared with
PRIOR_PARTS = 5.0  # a place's own variance counts for as much as this many good parts against that of all places
DARK = 16.0  # gray levels: below this, a difference is noise rather than a ratio
# Variance, in gray levels or per cent: rounding and compression. Where good parts never differ, this is nothing.
NOISE = 1.0
CHUNK = 16  # parts at a time


class DetailFront(nn.Module):
    """Pixels (n, 3, h, w) float32, and the same at half the size, which is at hand -> contrast (n, 1, h, w) in gray
    levels, colour (n, 3, h / 8, w / 8) in per cent.
    """

    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((1, 3), 1 / 3))

    def forward(self, pixels: Tensor, halved: Tensor) -> tuple[Tensor, Tensor]:
        # As a product of matrices: ONNX Runtime takes four times as long for a mean over channels.
        luminance = (self.weights @ pixels.flatten(2)).unflatten(2, pixels.shape[2:])
        blocks = F.avg_pool2d(halved, BLOCK // 2)
        # A lamp that is brighter by a tenth adds the same to every logarithm, at a strong edge, too.
        return _against_its_surroundings(luminance), _against_its_surroundings(100 * torch.log(blocks + DARK))


class Contrast(nn.Module):
    """Contrast (n, 1, h, w) -> how strange each block is, (n, h / 8, w / 8): 1 = as strange as good parts ever were."""

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
    """Learn from good parts (n, 1, h, w), n >= 1."""
    count, mean = len(contrast), contrast.mean(0).half().float()  # as the model will hold it
    chunks = contrast.split(CHUNK)  # the temporary tensors of a whole good set would fill the memory
    squares = sum(F.avg_pool2d((chunk - mean).square(), BLOCK).sum((0, 1)) for chunk in chunks)
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


def _against_its_surroundings(x: Tensor) -> Tensor:
    return x - F.avg_pool2d(x, AROUND, 1, AROUND // 2, count_include_pad=False)


def _largest(contrast: Tensor, mean: Tensor) -> Tensor:
    """The largest deviation in each block, (n, h / 8, w / 8), in gray levels."""
    return F.max_pool2d((contrast - mean).abs(), BLOCK)[:, 0]


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
