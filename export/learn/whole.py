"""The feature model, whole: the backbone's view of a part and the details beside it, and one score of both.

A part is as strange as the strangest thing about it: its map on the whole (the mean of the strangest cells), its most
unusual pixel, its most unusual colour. Each is told in units of its own limit, a score that good parts hardly reach,
so that what says little about a product cannot drown what says much.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

from export.learn import detail, feature
from export.learn.backbone import Backbone, level_shapes
from export.learn.detail import Colour, Contrast
from export.learn.feature import Choice, WhitenedAutoencoder
from export.learn.levels import ALL, Rows, Shape
from export.learn.scores import Units, broad_score

DETAIL = 2  # pixels of the patch, each way, for one that the backbone sees; see FeatureFront.parts
MULTIPLE = 32 * DETAIL  # height and width of a patch are multiples of this
QUIET = 0.5  # of its limit: a detail below this is not drawn into the map


class FeatureFront(nn.Module):
    """uint8 BGR patches (n, h, w, 3) -> rows (n, d) float32; h and w are multiples of MULTIPLE. See `Layout`."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.detail = detail.DetailFront()

    def parts(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What a row holds: features of the backbone, contrast, colour."""
        pixels = patches.permute(0, 3, 1, 2).float()
        halved = F.avg_pool2d(pixels, 2)
        contrast, colour = self.detail(pixels, halved)
        return self.backbone(halved), contrast, colour

    def forward(self, patches: Tensor) -> Tensor:
        return torch.cat([part.flatten(1) for part in self.parts(patches)], 1)


class Layout:
    """What a row holds, for patches of that size: features of the backbone, contrast, colour."""

    def __init__(self, height: int, width: int) -> None:
        self.levels: Sequence[Shape] = level_shapes(height // DETAIL, width // DETAIL)
        self.contrast: Shape = (1, height, width)
        self.colour: Shape = (3, height // detail.BLOCK, width // detail.BLOCK)

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `FeatureFront.parts` gave them."""
        sizes = [torch.Size(shape).numel() for shape in (self.contrast, self.colour)]
        features, contrast, colour = rows.split([rows.shape[1] - sum(sizes), *sizes], 1)
        return features, contrast.unflatten(1, self.contrast), colour.unflatten(1, self.colour)


class FeatureHead(nn.Module):
    """Rows -> maps (n, h, w), scores (n), in the units that are set; and pictures of the `wanted` rows,
    see `WhitenedAutoencoder`.
    """

    limits: Tensor
    powers: Tensor

    def __init__(self, layout: Layout, broad: WhitenedAutoencoder, contrast: Contrast, colour: Colour) -> None:
        super().__init__()
        self.layout = layout
        self.broad = broad
        self.contrast = contrast
        self.colour = colour
        self.register_buffer("limits", torch.ones(3))
        self.register_buffer("powers", torch.ones(3))

    def forward(self, rows: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor, Tensor]:
        return self.judge(self.layout.split(rows), wanted)

    def judge(self, parts: Sequence[Tensor], wanted: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, of what a row holds."""
        maps, pictures = self._maps(parts, wanted)
        maps = maps / self.limits[:, None, None]
        drawn = (maps[:, 1:] - QUIET) / (1 - QUIET)  # still 1 at its limit; and 0 is no stranger than good parts are
        return torch.maximum(maps[:, 0], drawn.amax(1)), (_scores(maps) ** self.powers).amax(1), pictures

    def kinds(self, rows: Tensor) -> Tensor:
        """Scores of each kind, (n, 3): on the whole, contrast, colour, each in a unit of its own."""
        return _scores(self._maps(self.layout.split(rows))[0])

    def use(self, units: Units) -> None:
        """Give maps and scores in these from now on."""
        self.limits.copy_(torch.from_numpy(units.limits))
        self.powers.copy_(torch.from_numpy(units.powers))

    def _maps(self, parts: Sequence[Tensor], wanted: Rows = ALL) -> tuple[Tensor, Tensor]:
        """One of each kind, (n, 3, h, w), and the pictures."""
        features, contrast, colour = parts
        broad, pictures = self.broad(features, wanted)
        return torch.stack([broad, self.contrast(contrast), self.colour(colour)], 1), pictures


def _scores(maps: Tensor) -> Tensor:
    """(n, 3, h, w) -> (n, 3): a detail is a single cell, the whole is not."""
    return torch.stack([broad_score(maps[:, 0]), *maps[:, 1:].flatten(2).amax(2).unbind(1)], 1)


class FeatureModel(nn.Module):
    """Patches -> what the head says of them, without the detour over rows."""

    def __init__(self, front: FeatureFront, head: FeatureHead) -> None:
        super().__init__()
        self.front = front
        self.head = head

    def forward(self, patches: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor, Tensor]:
        return self.head.judge(self.front.parts(patches), wanted)


def fit(rows: Tensor, layout: Layout, choice: Choice) -> FeatureHead:
    """Learn from the rows of good patches, n >= 1."""
    features, contrast, colour = layout.split(rows)
    broad = feature.fit(features, layout.levels, choice)
    return FeatureHead(layout, broad, detail.fit_contrast(contrast), detail.fit_colour(colour)).eval()
