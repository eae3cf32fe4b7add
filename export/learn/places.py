"""What is normal at each place, by the backbone's deeper levels: a Gaussian of its own for every place of a level.

The distance is Mahalanobis', as in PaDiM (Defard et al., ICPR 2021), but each level is judged alone, at its own
resolution, and averaged over neighbours first: parts lie a little differently each time. Every covariance has a small
share of each channel's usual variance on its diagonal and nothing else from other places: with few good parts that
makes it the residual of a linear autoencoder with a code for each place, which reconstructs what good parts showed
there and nothing else (Baldi & Hornik, Neural Networks 2, 1989).

How a good part would score had it not been learned from follows from the same statistics in closed form
(Sherman & Morrison, Ann. Math. Stat. 21, 1950; Woodbury, 1950), so no part is lost to calibration.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

FLOOR = 0.01  # of a channel's usual variance at a place: no direction may look quieter than this
FAINTEST = 1e-4  # of the mean square of all channels: a channel that never varies is no finer a measure than this
LEAST = 1e-6  # variance of a channel: whitened by less, half precision would not hold it
LEAST_LEFT = 1e-9  # of a direction that only one part shows is left without that part: rounding must not make it less
CHUNK = 64  # places at a time


class PlaceGaussians(nn.Module):
    """Features of one level (n, c, h, w) -> distance of each place from what is normal there, (n, h, w).

    About 1 on good parts. The table is kept in half precision, which halves the file.

    mean: (h * w, 1, c); whitening: (h * w, c, c).
    """

    mean: Tensor
    whitening: Tensor

    def __init__(self, mean: Tensor, whitening: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("whitening", whitening.half())

    def forward(self, level: Tensor) -> Tensor:
        whitened = (at_places(level) - self.mean) @ self.whitening.float()
        return whitened.square().mean(2).sqrt().T.reshape(-1, level.shape[2], level.shape[3])


def fit(level: Tensor) -> PlaceGaussians:
    """Learn from good parts (n, c, h, w), n >= 1."""
    mean, residual, floor = _statistics(level)
    return PlaceGaussians(mean, _whitening(residual, floor, len(level)))


class LeaveOut:
    """Judges good parts as if they had not been learned from, `rows` of them at a time, of all (n, c, h, w).

    Exact but for the floor, which all good parts have in common. In double precision: what is left of a direction that
    one part shows may be a ten-thousandth.
    """

    def __init__(self, level: Tensor, rows: int) -> None:
        self._left = max(1, len(level) - rows)  # rows that are learned from
        self._all = len(level)
        self._mean, residual, floor = _statistics(level.double())
        self._whitening = _whitening(residual, floor, self._left)

    def __call__(self, level: Tensor, learned: Tensor) -> Tensor:
        """Distances (n, h, w) of `level` (n, c, h, w), had `learned` (m, c, h, w) not been among the good parts.

        Where no others are left, the parts are compared with themselves.
        """
        x, own = self._whitened(level), self._whitened(learned)
        if self._all > len(learned):
            left = self._all - len(learned)
            total = own.sum(1, keepdim=True)
            x = x + total / left  # from the mean of the others
            removed = torch.cat([own, total / left**0.5], 1)  # B: the others' scatter is that of all, less B'B
            inner = self._left * (1 + LEAST_LEFT) * torch.eye(removed.shape[1], device=x.device, dtype=x.dtype)
            factor = torch.linalg.cholesky(inner - removed @ removed.transpose(1, 2))
            across = torch.linalg.solve_triangular(factor, removed @ x.transpose(1, 2), upper=False)
            squares: Tensor = x.square().sum(2) + across.square().sum(1)
        else:
            squares = x.square().sum(2)
        return (squares / x.shape[2]).sqrt().T.reshape(-1, level.shape[2], level.shape[3]).float()

    def _whitened(self, level: Tensor) -> Tensor:
        return (at_places(level.double()) - self._mean) @ self._whitening


def at_places(level: Tensor) -> Tensor:
    """(n, c, h, w) -> (h * w, n, c), each place averaged with those next to it."""
    return F.avg_pool2d(level, 3, 1, 1, count_include_pad=False).flatten(2).permute(2, 0, 1)


def _statistics(level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (h * w, 1, c), residuals (h * w, n, c), and the floor of the covariance (c, c)."""
    x = at_places(level)
    mean = x.mean(1, keepdim=True)
    residual = x - mean
    if len(level) == 1:  # says nothing of how parts differ: as much as its places do
        usual = x.var((0, 1), correction=0)
    else:
        usual = residual.square().sum((0, 1)) / (len(x) * (len(level) - 1))
    return mean, residual, torch.diag(FLOOR * (usual + FAINTEST * x.square().mean() + LEAST))


def _whitening(residual: Tensor, floor: Tensor, divisor: int) -> Tensor:
    """(h * w, n, c) -> (h * w, c, c): what a residual is multiplied by from the right."""
    eye = torch.eye(floor.shape[0], device=floor.device, dtype=floor.dtype)
    tables: list[Tensor] = []
    for part in residual.split(CHUNK):
        factor = torch.linalg.cholesky(part.transpose(1, 2) @ part / divisor + floor)
        tables.append(torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False).transpose(1, 2))
    return torch.cat(tables)
