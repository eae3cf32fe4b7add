"""What the feature model sees of a patch: levels of a frozen backbone, and details at full resolution beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  (the customary name)
from torch import Tensor, nn

from export.learn import detail, levels
from export.learn.backbone import Architecture, Backbone
from export.learn.levels import Shape

DETAIL = 2  # pixels of the patch, each way, for one that the backbone sees; see FeatureFront.parts
MULTIPLE = 32 * DETAIL  # height and width of a patch are multiples of this
FINE, DEEP = (0, 1, 3), (2, 3, 4)  # levels of the backbone that `feature` and `places` judge


class FeatureFront(nn.Module):
    """uint8 BGR patches (n, h, w, 3) -> rows (n, d) float32; h and w are multiples of MULTIPLE. See `Layout`."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.detail = detail.DetailFront()

    def parts(self, patches: Tensor) -> Parts:
        """What a row holds."""
        pixels = patches.permute(0, 3, 1, 2).float()
        halved = F.avg_pool2d(pixels, 2)
        return Parts(self.backbone(halved), *self.detail(pixels, halved))

    def forward(self, patches: Tensor) -> Tensor:
        parts = self.parts(patches)
        return torch.cat([part.flatten(1) for part in (*parts.levels, parts.contrast, parts.colour)], 1)


@dataclass(frozen=True)
class Parts:
    """What the front gives of n patches: five levels of the backbone (n, c, h, w), finest first, and two details."""

    levels: Sequence[Tensor]
    contrast: Tensor
    colour: Tensor

    def fine(self) -> Tensor:
        """Rows of the levels that `feature` judges, (n, d)."""
        return torch.cat([self.levels[level].flatten(1) for level in FINE], 1)

    def deep(self) -> list[Tensor]:
        """The levels that `places` judges."""
        return [self.levels[level] for level in DEEP]


class Layout:
    """What a row holds, for patches of that size: see `Parts`."""

    def __init__(self, height: int, width: int, architecture: Architecture) -> None:
        self.levels: Sequence[Shape] = architecture.level_shapes(height // DETAIL, width // DETAIL)
        self.contrast: Shape = (1, height, width)
        self.colour: Shape = (3, height // detail.BLOCK, width // detail.BLOCK)

    @property
    def fine(self) -> list[Shape]:
        """Of the levels that `feature` judges."""
        return [self.levels[level] for level in FINE]

    def split(self, rows: Tensor) -> Parts:
        """As `FeatureFront.parts` gave them."""
        *found, contrast, colour = levels.split(rows, [*self.levels, self.contrast, self.colour])
        return Parts(found, contrast, colour)
