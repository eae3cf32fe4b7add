"""The two kinds of autoencoder behind one protocol: a fixed front, and a head that is fitted to good parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from export import feature, pixel
from export.backbone import Backbone
from export.settings import Settings


class Learner(Protocol):
    """A kind of autoencoder: a fixed front, and a head that is fitted to what the front gives for good patches."""

    @property
    def patch_px(self) -> int:
        """Side of the network's input."""

    @property
    def cross_fitted(self) -> bool:
        """Cheap enough to fit once per fold; else one fold is held out, and the shipped head never sees it."""

    def front(self) -> nn.Module:
        """uint8 patches (n, h, w, 3) -> rows (n, ...) float32."""

    def decided(self, rows: Tensor) -> Learner:
        """The same learner after the choices that all folds share."""

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        """Rows of good patches -> the head: rows -> maps and pictures."""


@dataclass(frozen=True)
class FeatureLearner:
    """Frozen backbone, autoencoder in closed form."""

    seed: int
    bottleneck: int = 0
    patch_px: int = 256
    cross_fitted: bool = True

    def front(self) -> nn.Module:
        return Backbone()

    def decided(self, rows: Tensor) -> Learner:
        return dataclasses.replace(self, bottleneck=feature.choose_bottleneck(rows, self.seed))

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        return feature.fit(rows, self.bottleneck)


@dataclass(frozen=True)
class PixelLearner:
    """Raw pixels, autoencoder by gradient descent."""

    seed: int
    epochs: int
    patch_px: int = 128
    cross_fitted: bool = False

    def front(self) -> nn.Module:
        return pixel.Scale()

    def decided(self, rows: Tensor) -> Learner:
        return self

    def fit(self, rows: Tensor, progress: Callable[[float], None]) -> nn.Module:
        return pixel.fit(rows, self.epochs, self.seed, lambda done, total: progress(done / total))


def learner_for(settings: Settings) -> Learner:
    """The kind that the settings ask for."""
    if settings.kind == "feature":
        return FeatureLearner(settings.seed)
    return PixelLearner(settings.seed, settings.epochs)
