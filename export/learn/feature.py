"""The feature autoencoder: what is normal at that place, given how this part looks as a whole.

A part's features, averaged to the coarsest depth's resolution, are a point in a space of some 45 000 numbers. Good
parts fill only a thin, nearly flat piece of it: they differ by a little light, pose and colour. A linear autoencoder
with a bottleneck of a few numbers per part learns that piece, and its best weights are known in closed form (Baldi &
Hornik, Neural Networks 2, 1989), so it is computed rather than descended to: exact, in seconds, the same every time.

What it cannot reconstruct is whitened by the residual's own statistics. With an empty bottleneck and a covariance for
each place this is PaDiM's Gaussian (Defard et al., ICPR 2021); where position means nothing (textures), mean and
covariance are pooled over all places. How far to pool, and whether the depths of the backbone are judged one by one
or together, is chosen per product: see `trial`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

from export.learn import levels
from export.learn.levels import ALL, Rows, Shape

PRIOR_PARTS = 30.0  # a place's own covariance counts for as much as this many good parts
FLOOR = 0.01  # of a feature's pooled variance: no direction may look quieter than this
BOTTLENECKS = (0, 1, 2, 4, 8, 16, 32)  # numbers per part to choose from
WORTH = 0.01  # a wider bottleneck must lower the held-out error by this fraction
CHUNK = 32  # rows at a time: the widened features of a whole good set would not fit the memory


@dataclass(frozen=True, slots=True)
class Choice:
    """What `train` decides about a product's head."""

    bottleneck: int = 0
    joint: bool = False  # one covariance over all depths at once; else each depth has its own, and maps are averaged
    pooled: float = 0.75  # of the covariance comes from all places; the rest is the place's own


class WhitenedAutoencoder(nn.Module):
    """Rows of features (n, d) -> anomaly maps (n, h, w) of the finest level, and reconstructions (n, 2, h', w', 3).

    A map is about 1 where a place is as strange as good parts are on average. The reconstructions, uint8, show the
    features and what was made of them in three false colours, at the middle level's resolution; only those of `wanted`
    rows are made.

    mean, scale: (d); basis: (k, averaged d), orthonormal rows; whitening: for each view (blocks, c, c);
    colours: (3, channels).
    The large tables are kept in half precision, which halves the file; the runtime widens them once, at load.
    """

    mean: Tensor
    inverse_scale: Tensor
    basis: Tensor
    colours: Tensor
    middle: Tensor

    def __init__(self, space: Space, basis: Tensor, whitening: Sequence[Tensor], colours: Tensor, joint: bool) -> None:
        super().__init__()
        self.shapes = space.shapes
        self.joint = joint
        self.bottleneck = len(basis)
        self.register_buffer("mean", space.mean)
        self.register_buffer("inverse_scale", 1 / space.scale)
        self.register_buffer("basis", basis.half())
        self.register_buffer("colours", colours)
        means = levels.split(space.mean[None], self.shapes)
        middle = [mean.mean((2, 3), keepdim=True).expand_as(mean).flatten() for mean in means]
        self.register_buffer("middle", torch.cat(middle))
        for number, table in enumerate(whitening):
            self.register_buffer(f"whitening_{number}", table.half())

    def forward(self, rows: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor]:
        """Maps and reconstructions."""
        residual = self.residual(rows)
        tables = [self.get_buffer(f"whitening_{number}") for number in range(1 if self.joint else len(self.shapes))]
        seen = (rows[wanted] - self.middle) * self.inverse_scale
        reconstructions = self._in_false_colours(torch.stack([seen, seen - residual[wanted]], 1))
        # Whitened features of good parts have a root mean square of about 1.
        return whitened_error(residual, self.shapes, tables, self.joint), reconstructions

    def residual(self, rows: Tensor) -> Tensor:
        """What the autoencoder cannot reconstruct, (n, d), in units of each feature's deviation."""
        return _without((rows - self.mean) * self.inverse_scale, self.basis.float(), self.shapes)

    def _in_false_colours(self, rows: Tensor) -> Tensor:
        features = levels.together(levels.split(rows.flatten(0, 1), self.shapes))
        colours = F.conv2d(features, self.colours[:, :, None, None]).unflatten(0, (-1, 2))
        return (128 + 127 * torch.tanh(colours)).permute(0, 1, 3, 4, 2).to(torch.uint8)


@dataclass(frozen=True)
class Space:
    """Where good parts lie: mean per place and feature, deviation per feature; both (d)."""

    shapes: Sequence[Shape]
    mean: Tensor
    scale: Tensor

    @staticmethod
    def of(rows: Tensor, shapes: Sequence[Shape]) -> Space:
        pairs = [_statistics(level) for level in levels.split(rows, shapes)]
        scales = [scale[:, None, None].expand_as(mean) for mean, scale in pairs]
        return Space(shapes, torch.cat([mean.flatten() for mean, _ in pairs]), torch.cat([s.flatten() for s in scales]))

    def residuals(self, rows: Tensor, basis: Tensor) -> Iterator[Tensor]:
        """What `basis` leaves of the rows, chunk by chunk."""
        for chunk in rows.split(CHUNK):
            yield _without((chunk - self.mean) / self.scale, basis, self.shapes)


def fit(rows: Tensor, shapes: Sequence[Shape], choice: Choice) -> WhitenedAutoencoder:
    """Learn from the features of good parts (n, d), n >= 1; `shapes` are the levels that a row holds, finest first."""
    space = Space.of(rows, shapes)
    basis = principal_parts(space, rows, min(choice.bottleneck, len(rows) - 1))
    moments = Moments.of(space.residuals(rows, basis), shapes, choice.joint)
    whitening = moments.whitening(choice.pooled)
    return WhitenedAutoencoder(space, basis, whitening, _colours(space), choice.joint).eval()


def choose_bottleneck(rows: Tensor, shapes: Sequence[Shape], seed: int) -> int:
    """The narrowest bottleneck that reconstructs held-out good parts (a quarter of them) about as well as any."""
    count = len(rows)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).to(rows.device)
    held, kept = rows[order[: count // 4]], rows[order[count // 4 :]]
    if not len(held):
        return 0
    space = Space.of(kept, shapes)
    basis = principal_parts(space, kept, min(BOTTLENECKS[-1], len(kept) // 4))
    x = levels.averaged((held - space.mean) / space.scale, shapes)
    codes = (x @ basis.T).square().sum(0).cumsum(0)
    return _narrowest([k for k in BOTTLENECKS if k <= len(basis)], codes, x.square().sum())


def _narrowest(widths: Sequence[int], codes: Tensor, energy: Tensor) -> int:
    errors = {k: float(1 - (codes[k - 1] / energy if k else 0)) for k in widths}
    best = min(errors.values())
    return min(k for k, error in errors.items() if error <= best + WORTH)


def principal_parts(space: Space, rows: Tensor, count: int) -> Tensor:
    """The `count` directions in which whole parts (n, d) differ most, (count, averaged d) with orthonormal rows."""
    x = torch.cat([levels.averaged((chunk - space.mean) / space.scale, space.shapes) for chunk in rows.split(CHUNK)])
    if not count:
        return x[:0]
    values, vectors = torch.linalg.eigh(x @ x.T)  # n x n: far smaller than the covariance
    usable = values[-count:].clamp_min(values[-1] * 1e-6)
    basis: Tensor = ((vectors[:, -count:] / usable.sqrt()).T @ x).flip(0)
    return basis


def whitened_error(residual: Tensor, shapes: Sequence[Shape], tables: Sequence[Tensor], joint: bool) -> Tensor:
    """Whitened residual (n, d) -> its root mean square at each place, (n, h, w) of the finest level."""
    finest = shapes[0][1], shapes[0][2]
    maps = []
    for view, table in zip(levels.views(levels.split(residual, shapes), joint), tables, strict=True):
        height, width = (int(side) for side in view.shape[-2:])
        block = levels.block_side(height, shapes)
        root = (table.float() @ levels.to_blocks(view, block)).square().mean(1).sqrt()
        own = levels.from_blocks(root, height, width, block)
        maps.append(levels.enlarged(own, finest))
    return torch.stack(maps).mean(0)


@dataclass(frozen=True)
class Moments:
    """Second moments of residuals, for each view and block: (blocks, c, c) per good part."""

    parts: int
    tables: list[Tensor]

    @staticmethod
    def of(residuals: Iterator[Tensor], shapes: Sequence[Shape], joint: bool) -> Moments:
        parts = 0
        tables: list[Tensor] = []
        for residual in residuals:
            views = levels.views(levels.split(residual, shapes), joint)
            parts += len(residual)
            own = [_moments(view, levels.block_side(int(view.shape[-2]), shapes)) for view in views]
            tables = [a + b for a, b in zip(tables, own, strict=True)] if tables else own
        return Moments(parts, tables)

    def whitening(self, pooled_share: float) -> list[Tensor]:
        """For each view the inverse Cholesky factor of the covariance, `pooled_share` of it from all places."""
        return [self._whitening(table, pooled_share) for table in self.tables]

    def _whitening(self, moments: Tensor, pooled_share: float) -> Tensor:
        pooled = moments.sum(0) / (self.parts * len(moments))
        own = (moments + PRIOR_PARTS * pooled) / (self.parts + PRIOR_PARTS)
        covariance = pooled_share * pooled + (1 - pooled_share) * own
        covariance = covariance + torch.diag(FLOOR * pooled.diagonal().clamp_min(1e-6))
        eye = torch.eye(moments.shape[-1], device=moments.device).expand_as(covariance)
        whitening: Tensor = torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), eye, upper=False)
        return whitening


def _without(x: Tensor, basis: Tensor, shapes: Sequence[Shape]) -> Tensor:
    if not len(basis):
        return x
    return x - levels.spread((levels.averaged(x, shapes) @ basis.T) @ basis, shapes)


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


def _colours(space: Space) -> Tensor:
    """The three directions in which the places of a good part differ most, (3, channels), scaled for display."""
    mean, scale = (levels.together(levels.split(values[None], space.shapes))[0] for values in (space.mean, space.scale))
    x = ((mean - mean.mean((1, 2), keepdim=True)) / scale).flatten(1)
    ridge = 1e-6 * torch.eye(len(x), device=x.device)  # of one part, no place differs from another
    values, vectors = torch.linalg.eigh(x @ x.T / x.shape[1] + ridge)
    colours: Tensor = (vectors[:, -3:] / (1.5 * values[-3:].clamp_min(1e-6).sqrt())).T.flip(0)
    return colours


def _moments(view: Tensor, block: int) -> Tensor:
    """(n, c, h, w) -> (blocks, c, c): summed over parts, averaged over a block's cells."""
    return torch.stack([cells @ cells.T for cells in levels.to_blocks(view, block)]) / block**2
