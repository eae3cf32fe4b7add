"""The two kinds of autoencoder behind one protocol: a fixed front, and a head that is fitted to good parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn

from export.learn import feature, pixel, whole
from export.learn import model_selection as trial
from export.learn.feature import Choice
from export.learn.model_selection import Trial
from export.learn.scores import Units
from export.learn.settings import Settings
from export.learn.whole import DETAIL, MULTIPLE, FeatureFront, FeatureHead, FeatureModel, Layout
from inspector.grid import Grid

USUAL_PX = 256  # side at which a patch is seen
LEAST_PX = 64
STEP_PX = MULTIPLE // DETAIL


class Head(Protocol):
    """What is fitted: rows -> maps, scores and pictures."""

    def kinds(self, rows: Tensor) -> Tensor:
        """Scores of each kind, (n, kinds), each in a unit of its own."""

    def use(self, units: Units) -> None:
        """Give maps and scores in these from now on."""


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
    def cross_fitted(self) -> bool:
        """Cheap enough to fit once per fold; else one fold is held out, and the shipped head never sees it."""

    @property
    def trial_auroc(self) -> float:
        """How well the chosen head found synthetic defects; 0 where that was not tried."""

    def front(self) -> nn.Module:
        """uint8 patches (n, h, w, 3) -> rows (n, ...) float32."""

    def decided(self, rows: Tensor, patch_shape: tuple[int, int], held: Trial | None) -> Learner:
        """The same learner after the choices that all folds share; `held` where there is something to try them on."""

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> Head:
        """Learn from the rows of good patches."""

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        """Patches, and which of them are wanted -> maps and scores, and pictures of those."""


@dataclass(frozen=True)
class FeatureLearner:
    """Frozen backbone, autoencoder in closed form."""

    seed: int
    seen_px: int
    layout: Layout | None = None  # once decided
    choice: Choice = field(default_factory=Choice)
    trial_auroc: float = 0.0
    cross_fitted: bool = True
    multiple: int = MULTIPLE

    @property
    def patch_px(self) -> int:
        return DETAIL * self.seen_px

    def front(self) -> FeatureFront:
        return FeatureFront()

    def decided(self, rows: Tensor, patch_shape: tuple[int, int], held: Trial | None) -> Learner:
        layout = Layout(*patch_shape)
        choice = Choice(feature.choose_bottleneck(layout.split(rows)[0], layout.levels, self.seed))
        if held is None:
            return dataclasses.replace(self, layout=layout, choice=choice)
        kept, good, spoiled = (layout.split(each)[0] for each in (held.kept, held.held, held.spoiled))
        found = trial.best(Trial(kept, good, spoiled, held.patches), layout.levels, choice)
        return dataclasses.replace(self, layout=layout, choice=found.choice, trial_auroc=found.auroc)

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> FeatureHead:
        assert self.layout is not None, "decided first"
        return whole.fit(rows, self.layout, self.choice)

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        assert isinstance(front, FeatureFront)
        assert isinstance(head, FeatureHead)
        return FeatureModel(front, head)


@dataclass(frozen=True)
class PixelLearner:
    """Raw pixels, autoencoder by gradient descent."""

    seed: int
    epochs: int
    patch_px: int = 128
    seen_px: int = 128
    trial_auroc: float = 0.0
    cross_fitted: bool = False
    multiple: int = 32

    def front(self) -> nn.Module:
        return pixel.Scale()

    def decided(self, rows: Tensor, patch_shape: tuple[int, int], held: Trial | None) -> Learner:
        return self

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> pixel.PixelAutoencoder:
        return pixel.fit(rows, self.epochs, self.seed, lambda done, total: progress(done / total))

    def model(self, front: nn.Module, head: Head) -> nn.Module:
        assert isinstance(front, pixel.Scale)
        assert isinstance(head, pixel.PixelAutoencoder)
        return pixel.PixelModel(front, head)


def learner_for(settings: Settings, image_shape: tuple[int, ...]) -> Learner:
    """The kind that the settings ask for, for images of that size."""
    if settings.kind == "feature":
        return FeatureLearner(settings.seed, settings.patch_px or usual_side(settings.grid, image_shape))
    return PixelLearner(settings.seed, settings.epochs)


def usual_side(grid: Grid, image_shape: tuple[int, ...]) -> int:
    """At which a patch is seen: patches of a finer grid are not enlarged, which costs much and shows nothing more."""
    if grid.patches == 1:
        return USUAL_PX
    top, left, bottom, right = grid.boxes(*image_shape[:2])[0].tolist()
    side = math.ceil(math.sqrt((bottom - top) * (right - left)) / STEP_PX) * STEP_PX
    return max(LEAST_PX, min(USUAL_PX, side))
