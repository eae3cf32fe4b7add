"""The two kinds of autoencoder behind one protocol: a fixed front, and a head that is fitted to good parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from export.learn import backbone, feature, model_selection, pixel, whole
from export.learn.feature import Choice
from export.learn.model_selection import SelectionSet
from export.learn.scores import Mix, Units
from export.learn.settings import Settings
from export.learn.whole import (
    DETAIL,
    MULTIPLE,
    TURNED_WEIGHTS,
    WEIGHTS,
    FeatureFront,
    FeatureHead,
    FeatureModel,
    Layout,
)
from inspector.align import Fixture, Outline
from inspector.grid import Grid

USUAL_PX, BEST_PX = 256, 384  # side at which a patch is seen, at most; by effort `best`
LEAST_PX = 64
STEP_PX = MULTIPLE // DETAIL


class Head(Protocol):
    """What is fitted: rows -> maps, scores and pictures."""

    def use(self, units: Units) -> None:
        """Give maps and scores in these from now on."""


class HeldOut(Protocol):
    """Judges good parts by what the others show."""

    @property
    def head(self) -> Head | None:
        """What was fitted without the parts that were held out last, where that is what ships."""

    def without(self, parts: Tensor) -> Callable[[int, Tensor], Tensor]:
        """A function that scores one of these parts: its number and its rows -> (rows, components)."""


class Learner(Protocol):
    """A kind of autoencoder: a fixed front, and a head that is fitted to what the front gives for good patches."""

    @property
    def patch_px(self) -> int:
        """Side of the patches that the model takes."""

    @property
    def seen_px(self) -> int:
        """Side at which the network sees them."""

    @property
    def multiple(self) -> int:
        """Height and width of a patch are multiples of this."""

    @property
    def mix(self) -> Mix:
        """How components of scores make one."""

    @property
    def learns_from_all(self) -> bool:
        """Whether the head that ships has seen all good parts; else those that are held out are not learned from."""

    @property
    def words(self) -> str:
        """What was chosen, for the user."""

    @property
    def selection_auroc(self) -> float:
        """How well the chosen head found synthetic defects; 0 where that was not tried."""

    def front(self) -> nn.Module:
        """uint8 patches (n, h, w, 3) -> rows (n, ...) float32."""

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], fixture: Fixture | None, held: SelectionSet | None
    ) -> Learner:
        """The same learner after the choices that all folds share; `held` where there is something to try them on."""

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> Head:
        """Learn from the rows of good patches."""

    def held_out(self, rows: Tensor, part_of_row: Tensor, progress: Callable[[float], None]) -> HeldOut:
        """Judge good parts by what the others show; `part_of_row` says whose each row is."""

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        """Patches, and which of them are wanted -> maps and scores, and pictures of those."""


@dataclass(frozen=True)
class FeatureLearner:
    """Frozen backbone, autoencoder and Gaussians in closed form."""

    seed: int
    seen_px: int
    backbone: backbone.Name = "lite0"
    layout: Layout | None = None  # once decided
    choice: Choice = field(default_factory=Choice)
    mix: Mix = field(default_factory=lambda: Mix(WEIGHTS))
    selection_auroc: float = 0.0
    learns_from_all: bool = True
    multiple: int = MULTIPLE

    @property
    def patch_px(self) -> int:
        return DETAIL * self.seen_px

    def front(self) -> FeatureFront:
        return FeatureFront(self.backbone)

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], fixture: Fixture | None, held: SelectionSet | None
    ) -> Learner:
        layout = Layout(*patch_shape, self.backbone)
        mix = Mix(TURNED_WEIGHTS if isinstance(fixture, Outline) else WEIGHTS)
        fine = layout.split(rows).fine()
        choice = Choice(feature.choose_bottleneck(fine, layout.fine, self.seed))
        if held is None:
            return dataclasses.replace(self, layout=layout, choice=choice, mix=mix)
        kept, good, defective = (layout.split(each).fine() for each in (held.kept, held.held, held.defective))
        found = model_selection.best(SelectionSet(kept, good, defective, held.patches), layout.fine, choice)
        return dataclasses.replace(self, layout=layout, choice=found.choice, mix=mix, selection_auroc=found.auroc)

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> FeatureHead:
        return whole.fit(rows, self._layout, self.choice)

    def held_out(self, rows: Tensor, part_of_row: Tensor, progress: Callable[[float], None]) -> whole.HeldOut:
        return whole.HeldOut(rows, part_of_row, self._layout, self.choice)

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        assert isinstance(front, FeatureFront)
        assert isinstance(head, FeatureHead)
        return FeatureModel(front, head)

    @property
    def words(self) -> str:
        choice, levels = self.choice, "joint" if self.choice.joint else "separate"
        how = "held-out good parts" + ("" if self.selection_auroc == 0 else " and synthetic defects")
        return (
            f"feature autoencoder: EfficientNet-{self.backbone.capitalize()} at {self.seen_px} px, "
            f"bottleneck of {choice.bottleneck}, {levels} finer levels, {choice.pooled:.0%} of their covariance pooled "
            f"(chosen on {how})"
        )

    @property
    def _layout(self) -> Layout:
        assert self.layout is not None, "decided first"
        return self.layout


@dataclass(frozen=True)
class PixelLearner:
    """Raw pixels, autoencoder by gradient descent."""

    seed: int
    epochs: int
    patch_px: int = 128
    seen_px: int = 128
    mix: Mix = field(default_factory=Mix)
    selection_auroc: float = 0.0
    learns_from_all: bool = False
    multiple: int = 32

    @property
    def words(self) -> str:
        return f"pixel autoencoder, {self.epochs} epochs"

    def front(self) -> nn.Module:
        return pixel.Scale()

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], fixture: Fixture | None, held: SelectionSet | None
    ) -> Learner:
        return self

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> pixel.PixelAutoencoder:
        return pixel.fit(rows, self.epochs, self.seed, lambda done, total: progress(done / total))

    def held_out(self, rows: Tensor, part_of_row: Tensor, progress: Callable[[float], None]) -> PixelHeldOut:
        return PixelHeldOut(self, rows, part_of_row, progress)

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        assert isinstance(front, pixel.Scale)
        assert isinstance(head, pixel.PixelAutoencoder)
        return pixel.PixelModel(front, head)


@dataclass
class PixelHeldOut:
    """Fits once, without the parts that are held out; that head is the one to ship."""

    learner: PixelLearner
    rows: Tensor
    part_of_row: Tensor
    progress: Callable[[float], None]
    head: pixel.PixelAutoencoder | None = None

    def without(self, parts: Tensor) -> Callable[[int, Tensor], Tensor]:
        head = self.head = self.learner.fit(self.rows[~torch.isin(self.part_of_row, parts)], self.progress)
        return lambda part, rows: head.components(rows)


def learner_for(settings: Settings, image_shape: tuple[int, ...]) -> Learner:
    """The kind that the settings ask for, for images of that size."""
    if settings.kind == "pixel":
        return PixelLearner(settings.seed, settings.epochs)
    best = settings.effort == "best"
    side = settings.patch_px or usual_side(settings.grid, image_shape, BEST_PX if best else USUAL_PX)
    return FeatureLearner(settings.seed, side, settings.backbone or ("lite2" if best else "lite0"))


def usual_side(grid: Grid, image_shape: tuple[int, ...], at_most: int = USUAL_PX) -> int:
    """At which a patch is seen: patches of a finer grid are not enlarged, which costs much and shows nothing more.

    Nor is a single patch, beyond USUAL_PX.
    """
    top, left, bottom, right = grid.boxes(*image_shape[:2])[0].tolist()
    side = math.ceil(math.sqrt((bottom - top) * (right - left)) / STEP_PX) * STEP_PX
    return max(USUAL_PX if grid.patches == 1 else LEAST_PX, min(at_most, side))
