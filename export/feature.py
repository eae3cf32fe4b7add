"""The feature autoencoder: what is normal at that place, given how this part looks as a whole.

A part's features are a point in a space of 176 x 32 x 32 numbers. Good parts fill only a thin, nearly flat piece
of it: they differ by a little light, pose and colour. A linear autoencoder with a bottleneck of a few numbers per
part learns that piece, and its best weights are known in closed form (Baldi & Hornik, Neural Networks 2, 1989), so
it is computed rather than descended to: exact, in seconds, the same every time.

What it cannot reconstruct is whitened by the residual's own statistics at that place. With an empty bottleneck this
is the per-position Gaussian of PaDiM (Defard et al., ICPR 2021); where position means nothing (textures), shrinkage
pools mean and covariance over all positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

BLOCK = 4  # positions share a covariance 4x4: sixteen times the samples for each, and the table stays in the cache
POOLED_SHARE = 0.75  # of the covariance comes from all positions: a place's own noise must not excuse defects there
PRIOR_PARTS = 30.0  # and of the rest as much as this many good parts would say
FLOOR = 0.01  # of a feature's pooled variance: no direction may look quieter than this
BOTTLENECKS = (0, 1, 2, 4, 8, 16, 32)  # numbers per part to choose from
WORTH = 0.01  # a wider bottleneck must lower the held-out error by this fraction


class WhitenedAutoencoder(nn.Module):
    """Features (n, c, h, w) -> anomaly maps (n, h, w) and pictures (n, 2, h, w, 3).

    A map is 0 where a place is no stranger than good parts are on average. The pictures, uint8, show the features and
    their reconstruction in three false colours.

    mean: (c, h, w); scale: (c); basis: (k, c*h*w), orthonormal rows; whitening: (h/4*w/4, c, c); view: (3, c).
    The two large tables are kept in half precision, which halves the file; the runtime widens them once, at load.
    """

    mean: Tensor
    inverse_scale: Tensor
    basis: Tensor
    whitening: Tensor
    view: Tensor
    middle: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, basis: Tensor, whitening: Tensor, view: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("inverse_scale", 1 / scale[:, None, None])
        self.register_buffer("basis", basis.half())
        self.register_buffer("whitening", whitening.half())
        self.register_buffer("view", view)
        self.register_buffer("middle", mean.mean((1, 2), keepdim=True))
        self.bottleneck = len(basis)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        height, width = (int(side) for side in features.shape[-2:])
        residual = self.residual(features)
        strangeness = (self.whitening.float() @ _to_blocks(residual)).square().mean(1).sqrt()
        # Whitened features of good parts have a root mean square of about 1.
        maps = torch.relu(_from_blocks(strangeness, height, width) - 1)
        seen = (features - self.middle) * self.inverse_scale
        return maps, self._pictures(torch.stack([seen, seen - residual], 1))

    def _pictures(self, x: Tensor) -> Tensor:
        colours = F.conv2d(x.flatten(0, 1), self.view[:, :, None, None]).unflatten(0, (-1, 2))
        return (128 + 127 * torch.tanh(colours)).permute(0, 1, 3, 4, 2).to(torch.uint8)

    def residual(self, features: Tensor) -> Tensor:
        """What the autoencoder cannot reconstruct, (n, c, h, w), in units of each feature's deviation."""
        x = (features - self.mean) * self.inverse_scale
        if not self.bottleneck:
            return x
        flat, basis = x.flatten(1), self.basis.float()
        return (flat - (flat @ basis.T) @ basis).reshape(x.shape)


def fit(features: Tensor, bottleneck: int) -> WhitenedAutoencoder:
    """Learn from the features of good parts (n, c, h, w), n >= 1, with a bottleneck of that many numbers per part."""
    mean, scale = _statistics(features)
    x = (features - mean) / scale[:, None, None]
    basis = principal_parts(x, min(bottleneck, len(features) - 1))
    flat = x.flatten(1)
    residual = (flat - (flat @ basis.T) @ basis).reshape(x.shape)
    return WhitenedAutoencoder(mean, scale, basis, _whitening(residual), _view(mean, scale)).eval()


def choose_bottleneck(features: Tensor, seed: int) -> int:
    """The narrowest bottleneck that reconstructs held-out good parts (a quarter of them) about as well as any."""
    count = len(features)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).to(features.device)
    held, kept = features[order[: count // 4]], features[order[count // 4 :]]
    if not len(held):
        return 0
    mean, scale = _statistics(kept)
    kept, held = ((f - mean) / scale[:, None, None] for f in (kept, held))
    basis = principal_parts(kept, min(BOTTLENECKS[-1], len(kept) // 4))
    energy = held.square().sum()
    codes = (held.flatten(1) @ basis.T).square().sum(0).cumsum(0)
    return _narrowest([k for k in BOTTLENECKS if k <= len(basis)], codes, energy)


def _narrowest(widths: Sequence[int], codes: Tensor, energy: Tensor) -> int:
    errors = {k: float(1 - (codes[k - 1] / energy if k else 0)) for k in widths}
    best = min(errors.values())
    return min(k for k, error in errors.items() if error <= best + WORTH)


def principal_parts(x: Tensor, count: int) -> Tensor:
    """The `count` directions in which whole parts (n, c, h, w) differ most, (count, c*h*w) with orthonormal rows."""
    flat = x.flatten(1)
    if not count:
        return flat.new_zeros(0, flat.shape[1])
    values, vectors = torch.linalg.eigh(flat @ flat.T)  # n x n: far smaller than the covariance
    usable = values[-count:].clamp_min(values[-1] * 1e-6)
    basis: Tensor = ((vectors[:, -count:] / usable.sqrt()).T @ flat).flip(0)
    return basis


def _statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean per position, shrunk towards the mean over all positions, and deviation per channel.

    The shrinkage is empirical Bayes (James-Stein): as much as the positions' means differ by chance alone.
    """
    count = len(features)
    mean = features.mean(0)
    overall = mean.mean((1, 2), keepdim=True)
    between = (mean - overall).square().mean((1, 2))
    if count == 1:
        return overall.expand_as(mean).clone(), between.sqrt().clamp_min(1e-6)
    within = (features - mean).square().sum(0).mean((1, 2)) / (count - 1)
    weight = 1 - (within / count / between.clamp_min(1e-12)).clamp(0, 1)
    mean = overall + weight[:, None, None] * (mean - overall)
    return mean, (features - mean).square().mean((0, 2, 3)).sqrt().clamp_min(1e-6)


def _whitening(residual: Tensor) -> Tensor:
    """Per 4x4 positions the inverse Cholesky factor of the residual's covariance, shrunk towards the pooled one."""
    count, channels = residual.shape[:2]
    blocks = _to_blocks(residual)
    cells = BLOCK * BLOCK
    # Block by block: a batched product would need the whole residual twice more.
    moments = torch.stack([block @ block.T for block in blocks]) / cells
    pooled = moments.sum(0) / (count * len(blocks))
    own = (moments + PRIOR_PARTS * pooled) / (count + PRIOR_PARTS)
    covariance = POOLED_SHARE * pooled + (1 - POOLED_SHARE) * own
    covariance += torch.diag(FLOOR * pooled.diagonal().clamp_min(1e-6))
    eye = torch.eye(channels, device=residual.device).expand_as(covariance)
    whitening: Tensor = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), eye, upper=False)
    return whitening


def _view(mean: Tensor, scale: Tensor) -> Tensor:
    """The three directions in which the places of a good part differ most, (3, c), scaled for display."""
    x = ((mean - mean.mean((1, 2), keepdim=True)) / scale[:, None, None]).flatten(1)
    values, vectors = torch.linalg.eigh(x @ x.T / x.shape[1])
    view: Tensor = (vectors[:, -3:] / (1.5 * values[-3:].clamp_min(1e-6).sqrt())).T.flip(0)
    return view


def _to_blocks(x: Tensor) -> Tensor:
    """(n, c, h, w) -> (h/4 * w/4, c, 16n): the samples of each block side by side."""
    _, channels, height, width = x.shape
    split = x.reshape(-1, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return split.permute(2, 4, 1, 0, 3, 5).reshape((height // BLOCK) * (width // BLOCK), channels, -1)


def _from_blocks(x: Tensor, height: int, width: int) -> Tensor:
    """(h/4 * w/4, 16n) -> (n, h, w): the way back."""
    split = x.reshape(height // BLOCK, width // BLOCK, -1, BLOCK, BLOCK)
    return split.permute(2, 0, 3, 1, 4).reshape(-1, height, width)
