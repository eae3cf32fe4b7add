"""The feature model, whole: several views of a part, one map and one score of them all.

- The deeper levels of the backbone, each by a Gaussian for every place (`places`): pieces of parts, how they are
  arranged, and the part as a whole.
- The finer levels, whitened by statistics that neighbouring places share (`feature`): where exactly something is.
- Details at full resolution beside the backbone (`detail`): its most unusual pixel, its most unusual colour.

What is strange in several of the first views is a defect more often than what is very strange in one: their scores are
multiplied, each with an exponent that makes good parts vary alike in all of them. A detail is told in units of a limit
of its own, which good parts hardly reach, and counts where it is beyond what the whole says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from export.learn import detail, feature, levels, places
from export.learn.detail import Colour, Contrast
from export.learn.feature import Choice, WhitenedAutoencoder
from export.learn.front import DEEP, FeatureFront, Layout, Parts
from export.learn.levels import ALL, Rows
from export.learn.places import LeaveOut, PlaceGaussians
from export.learn.scores import LEAST, STEEP, Units, top_mean

QUIET = 0.5  # of its limit: a detail below this is not drawn into the map
# Of a level's places, whose mean is its score: a defect is a large share of a coarse level. Over eleven products 2, 5
# and 10 per cent have a mean image AUROC of 0.970, 0.973 and 0.974.
DEEP_TOP = 0.1
DRAWN = (10.0, 1.0, 1.0, 0.0)  # weights of the finer levels and of each deeper one in the map: the finer know where
# Weights of the score components of the whole part: the mean and the top of the map, which only give it its unit; the
# finer levels; each of the deeper levels.
WEIGHTS = (0.0, 0.0, 0.0, *(1.0 for _ in DEEP))
# A part that was turned into its pose is lit from another side each time: what good parts show at a place varies more,
# and a Gaussian for each place excuses too much. Statistics that places share do not.
TURNED_WEIGHTS = (0.0, 0.0, 8.0, *(1.0 for _ in DEEP))


@dataclass(frozen=True)
class Views:
    """Maps of some patches, each view in a unit of its own."""

    fine: Tensor  # (n, h, w)
    deep: Sequence[Tensor]  # of each deeper level, (n, h', w')
    details: Tensor  # contrast and colour, (n, 2, h, w)

    def blended(self) -> Tensor:
        """The weighted geometric mean of the fine and the deeper maps, (n, h, w): what all of them find strange."""
        size = int(self.fine.shape[1]), int(self.fine.shape[2])
        maps = [self.fine, *(levels.enlarged(each, size) for each in self.deep)]
        drawn = [weight * torch.log(each.clamp_min(LEAST)) for weight, each in zip(DRAWN, maps, strict=True) if weight]
        return torch.exp(torch.stack(drawn).sum(0) / sum(DRAWN))


class FeatureHead(nn.Module):
    """Rows -> maps (n, h, w), scores (n), in the units that are set; and reconstructions of the `wanted` rows,
    see `WhitenedAutoencoder`.
    """

    whole_exponents: Tensor
    limits: Tensor
    exponents: Tensor
    usual: Tensor
    bound: Tensor

    def __init__(
        self,
        layout: Layout,
        fine: WhitenedAutoencoder,
        deep: Sequence[PlaceGaussians],
        contrast: Contrast,
        colour: Colour,
    ) -> None:
        super().__init__()
        self.layout = layout
        self.fine = fine
        self.deep = nn.ModuleList(deep)
        self.contrast = contrast
        self.colour = colour
        self.register_buffer("whole_exponents", torch.tensor(WEIGHTS) / sum(WEIGHTS))
        self.register_buffer("limits", torch.ones(3))
        self.register_buffer("exponents", torch.ones(3))
        self.register_buffer("usual", torch.zeros(()))
        self.register_buffer("bound", torch.ones(()))

    def forward(self, rows: Tensor, wanted: Rows = ALL) -> tuple[Tensor, Tensor, Tensor]:
        return self.judge(self.layout.split(rows), wanted)

    def judge(self, parts: Parts, wanted: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, of what a row holds."""
        views, reconstructions = self.views(parts, wanted)
        blended = views.blended()
        components = _components(views, blended)
        whole = torch.exp(torch.log(components[:, : len(WEIGHTS)].clamp_min(LEAST)) @ self.whole_exponents)
        each = torch.cat([whole[:, None], components[:, len(WEIGHTS) :]], 1) / self.limits
        drawn = (views.details / self.limits[1:, None, None] - QUIET) / (1 - QUIET)  # still 1 at its limit
        broad = (blended - self.usual) / (self.bound - self.usual)
        maps = torch.relu(torch.maximum(broad, drawn.amax(1)))
        told = each**self.exponents
        below = torch.minimum(told[:, 1:], told[:, 1:] ** STEEP)  # a detail counts where it is near its limit
        return maps, torch.cat([told[:, :1], below], 1).amax(1), reconstructions

    def components(self, rows: Tensor) -> Tensor:
        """Scores of each kind, (n, components), each in a unit of its own: see WEIGHTS; then contrast and colour."""
        return score_components(self.views(self.layout.split(rows))[0])

    def use(self, units: Units) -> None:
        """Give maps and scores in these from now on."""
        self.whole_exponents.copy_(torch.from_numpy(units.whole_exponents))
        self.limits.copy_(torch.from_numpy(units.limits))
        self.exponents.copy_(torch.from_numpy(units.exponents))
        self.usual.fill_(float(units.middles[0]))
        self.bound.fill_(float(units.bounds[1]))

    def views(self, parts: Parts, wanted: Rows = ALL) -> tuple[Views, Tensor]:
        """Each view's map, and the reconstructions."""
        deep = [gaussians(level) for gaussians, level in zip(self.deep, parts.deep(), strict=True)]
        return self.views_beside(deep, parts, wanted)

    def views_beside(self, deep: Sequence[Tensor], parts: Parts, wanted: Rows = ALL) -> tuple[Views, Tensor]:
        """The same, where the maps of the deeper levels are known."""
        fine, reconstructions = self.fine(parts.fine(), wanted)
        details = torch.stack([self.contrast(parts.contrast), self.colour(parts.colour)], 1)
        return Views(fine, deep, details), reconstructions


class HeldOut:
    """Judges good parts by what the others show, from the rows of all (n, d) and the part of each row (n).

    The deeper levels leave out each part alone, in closed form. The rest is fitted anew without some parts at a time.
    """

    fitted = None  # the one to ship learns from all parts

    def __init__(self, rows: Tensor, part_of_row: Tensor, layout: Layout, choice: Choice) -> None:
        self._rows = rows
        self._part_of_row = part_of_row
        self._layout = layout
        self._choice = choice
        each = max(1, round(len(rows) / len(part_of_row.unique())))
        self._deep = [LeaveOut(level, each) for level in layout.split(rows).deep()]

    def without(self, parts: Tensor) -> Callable[[int, Tensor], Tensor]:
        """A function that scores one of these parts: its number and its rows (m, d) -> (m, components)."""
        others = self._rows[~torch.isin(self._part_of_row, parts)]
        head = _fit(others, self._layout, self._choice, deep=False)

        def components(part: int, rows: Tensor) -> Tensor:
            seen, learned = (self._layout.split(each) for each in (rows, self._rows[self._part_of_row == part]))
            levels = zip(self._deep, seen.deep(), learned.deep(), strict=True)
            deep = [leave_out(level, own) for leave_out, level, own in levels]
            return score_components(head.views_beside(deep, seen)[0])

        return components


def score_components(views: Views) -> Tensor:
    """Scores of each kind, (n, components)."""
    return _components(views, views.blended())


def _components(views: Views, blended: Tensor) -> Tensor:
    details = views.details.flatten(2).amax(2).unbind(1)
    deep = [top_mean(each, DEEP_TOP) for each in views.deep]
    fine = top_mean(torch.relu(views.fine - 1))  # 1 is what good parts have on average
    return torch.stack([blended.flatten(1).mean(1), top_mean(blended), fine, *deep, *details], 1)


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
    return _fit(rows, layout, choice, deep=True)


def _fit(rows: Tensor, layout: Layout, choice: Choice, *, deep: bool) -> FeatureHead:
    parts = layout.split(rows)
    fine = feature.fit(parts.fine(), layout.fine, choice)
    gaussians = [places.fit(level) for level in parts.deep()] if deep else []
    contrast, colour = detail.fit_contrast(parts.contrast), detail.fit_colour(parts.colour)
    return FeatureHead(layout, fine, gaussians, contrast, colour).eval()
