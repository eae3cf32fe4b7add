"""The two kinds of autoencoder behind one protocol: a fixed front, and a head that is fitted to good parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn

from export import feature, pixel, trial
from export.backbone import Backbone, level_shapes
from export.feature import Choice
from export.settings import Settings
from export.trial import Trial


class Learner(Protocol):
    """A kind of autoencoder: a fixed front, and a head that is fitted to what the front gives for good patches."""

    @property
    def patch_px(self) -> int:
        """Side of the network's input."""

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

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        """Rows of good patches -> the head: rows -> maps and pictures."""


@dataclass(frozen=True)
class FeatureLearner:
    """Frozen backbone, autoencoder in closed form."""

    seed: int
    patch_px: int
    shapes: tuple[feature.Shape, ...] = ()
    choice: Choice = field(default_factory=Choice)
    trial_auroc: float = 0.0
    cross_fitted: bool = True

    def front(self) -> nn.Module:
        return Backbone()

    def decided(self, rows: Tensor, patch_shape: tuple[int, int], held: Trial | None) -> Learner:
        shapes = tuple(level_shapes(*patch_shape))
        choice = Choice(feature.choose_bottleneck(rows, shapes, self.seed))
        if held is None:
            return dataclasses.replace(self, shapes=shapes, choice=choice)
        found = trial.best(held, shapes, choice)
        return dataclasses.replace(self, shapes=shapes, choice=found.choice, trial_auroc=found.auroc)

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        return feature.fit(rows, self.shapes, self.choice)


@dataclass(frozen=True)
class PixelLearner:
    """Raw pixels, autoencoder by gradient descent."""

    seed: int
    epochs: int
    patch_px: int = 128
    trial_auroc: float = 0.0
    cross_fitted: bool = False

    def front(self) -> nn.Module:
        return pixel.Scale()

    def decided(self, rows: Tensor, patch_shape: tuple[int, int], held: Trial | None) -> Learner:
        return self

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        return pixel.fit(rows, self.epochs, self.seed, lambda done, total: progress(done / total))


def learner_for(settings: Settings) -> Learner:
    """The kind that the settings ask for."""
    if settings.kind == "feature":
        return FeatureLearner(settings.seed, settings.patch_px)
    return PixelLearner(settings.seed, settings.epochs)
