"""The kinds of autoencoder: a fixed front, and a head that is fitted to good parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from export.learn import feature, model_selection, pixel, whole
from export.learn.backbone import Backbone, PatchBackbone
from export.learn.feature import Choice
from export.learn.learner import Capabilities, Fitted, HeldOutJudge, Judge, Learner, Told
from export.learn.model_selection import SelectionSet
from export.learn.scores import Mix
from export.learn.settings import Effort, Settings
from export.learn.whole import DETAIL, MULTIPLE, TURNED_WEIGHTS, WEIGHTS, FeatureFront, FeatureModel, Layout
from inspector.grid import Grid

SEEN_PX: Mapping[Effort, int] = {"quick": 224, "standard": 256, "best": 384}  # side at which a patch is seen, at most
LEAST_PX = 64
STEP_PX = MULTIPLE // DETAIL


@dataclass(frozen=True)
class FeatureLearner:
    """Frozen backbone, autoencoder and Gaussians in closed form."""

    front: FeatureFront
    seed: int
    seen_px: int
    selects: bool = True
    layout: Layout | None = None  # once selected
    choice: Choice = field(default_factory=Choice)
    mix: Mix = field(default_factory=lambda: Mix(WEIGHTS))
    selection_auroc: float = 0.0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            kind="feature",
            patch_px=DETAIL * self.seen_px,
            seen_px=self.seen_px,
            multiple=MULTIPLE,
            learns_from_all=True,
            selects=self.selects,
            finer_grids=True,
            grows_with_effort=True,
        )

    @property
    def network(self) -> nn.Module:
        return PatchBackbone(self.front.backbone.name)

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], any_turn: bool, selection: SelectionSet | None
    ) -> Learner:
        layout = Layout(*patch_shape, self.front.backbone.architecture)
        mix = Mix(TURNED_WEIGHTS if any_turn else WEIGHTS)
        fine = layout.split(rows).fine()
        choice = Choice(feature.choose_bottleneck(fine, layout.fine, self.seed))
        if selection is None:
            return dataclasses.replace(self, layout=layout, choice=choice, mix=mix)
        several = selection.kept, selection.held, selection.defective
        kept, good, defective = (layout.split(each).fine() for each in several)
        found = model_selection.best(SelectionSet(kept, good, defective, selection.patches), layout.fine, choice)
        return dataclasses.replace(self, layout=layout, choice=found.choice, mix=mix, selection_auroc=found.auroc)

    def fit(self, rows: Tensor, told: Told) -> Fitted:
        head = whole.fit(rows, self._layout, self.choice)
        return Fitted(FeatureModel(self.front, head), head.use)

    def held_out(self, rows: Tensor, part_of_row: Tensor, told: Told) -> HeldOutJudge:
        return whole.HeldOut(rows, part_of_row, self._layout, self.choice)

    @property
    def words(self) -> str:
        choice, levels = self.choice, "joint" if self.choice.joint else "separate"
        how = "held-out good parts" + ("" if self.selection_auroc == 0 else " and synthetic defects")
        return (
            f"feature autoencoder: EfficientNet-{self.front.backbone.name.capitalize()} at {self.seen_px} px, "
            f"bottleneck of {choice.bottleneck}, {levels} finer levels, {choice.pooled:.0%} of their covariance pooled "
            f"(chosen on {how})"
        )

    @property
    def _layout(self) -> Layout:
        assert self.layout is not None, "selected first"
        return self.layout


PIXEL = Capabilities(
    kind="pixel",
    patch_px=128,
    seen_px=128,
    multiple=32,
    learns_from_all=False,
    selects=False,
    finer_grids=False,
    grows_with_effort=False,
)


@dataclass(frozen=True)
class PixelLearner:
    """Raw pixels, autoencoder by gradient descent."""

    front: pixel.Scale
    seed: int
    epochs: int
    mix: Mix = field(default_factory=Mix)
    selection_auroc: float = 0.0
    capabilities: Capabilities = PIXEL

    @property
    def network(self) -> nn.Module:
        return nn.Sequential(self.front, pixel.PixelAutoencoder().eval())

    @property
    def words(self) -> str:
        return f"pixel autoencoder, {self.epochs} epochs"

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], any_turn: bool, selection: SelectionSet | None
    ) -> Learner:
        return self

    def fit(self, rows: Tensor, told: Told) -> Fitted:
        return self.fitted(self.autoencoder(rows, told))

    def held_out(self, rows: Tensor, part_of_row: Tensor, told: Told) -> HeldOutJudge:
        return PixelHeldOut(self, rows, part_of_row, told)

    def autoencoder(self, rows: Tensor, told: Told) -> pixel.PixelAutoencoder:
        """Train the head alone."""
        return pixel.fit(rows, self.epochs, self.seed, lambda done, total: told(done / total))

    def fitted(self, head: pixel.PixelAutoencoder) -> Fitted:
        """Put a head behind the front."""
        return Fitted(pixel.PixelModel(self.front, head), head.use)


@dataclass
class PixelHeldOut:
    """Fits once, without the parts that are held out; that model is the one to ship."""

    learner: PixelLearner
    rows: Tensor
    part_of_row: Tensor
    told: Told
    fitted: Fitted | None = None

    def without(self, parts: Tensor) -> Judge:
        head = self.learner.autoencoder(self.rows[~torch.isin(self.part_of_row, parts)], self.told)
        self.fitted = self.learner.fitted(head)
        return lambda part, rows: head.components(rows)


def learner_for(settings: Settings, image_shape: tuple[int, ...]) -> Learner:
    """Choose the learner that the settings ask for, for images of that size, with its front on their device."""
    if settings.kind == "pixel":
        return PixelLearner(pixel.Scale().to(settings.device), settings.seed, settings.epochs)
    side = settings.patch_px or usual_side(settings.grid, image_shape, SEEN_PX[settings.effort])
    backbone = Backbone(settings.backbone or ("lite2" if settings.effort == "best" else "lite0"))
    front = FeatureFront(backbone).to(settings.device)
    return FeatureLearner(front, settings.seed, side, selects=settings.effort != "quick")


def usual_side(grid: Grid, image_shape: tuple[int, ...], at_most: int = SEEN_PX["standard"]) -> int:
    """Choose the side at which a patch is seen.

    Patches of a finer grid are not enlarged, which costs much and shows nothing more; nor is a single patch, beyond
    what is usual.
    """
    top, left, bottom, right = grid.boxes(*image_shape[:2])[0].tolist()
    side = math.ceil(math.sqrt((bottom - top) * (right - left)) / STEP_PX) * STEP_PX
    least = SEEN_PX["standard"] if grid.patches == 1 else LEAST_PX
    return min(at_most, max(least, side))
