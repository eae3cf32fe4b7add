"""Good images in, one calibrated ONNX file out."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export import calibration, feature, onnx_file, pixel
from export.backbone import Backbone
from inspector import judge
from inspector.align import Fixture, learn_fixture
from inspector.colour import ColourHighlighter, Gamut, suggest_tolerance
from inspector.errors import AlignError, DataError
from inspector.files import replacing
from inspector.grid import Grid
from inspector.images import read_image
from inspector.model_info import ModelInfo, file_hash
from inspector.records import Image, Patches

FOLDS = 5
MAX_PATCHES = 1000  # learned from at most: 0.7 GB of features; more change the statistics little
FRONT_BATCH = 8
TOLERANCE_SAMPLE = 50  # good images the colour tolerance is suggested from
FIXTURE_SAMPLE = 50  # good images the fixture is learned from
TOLERANCE_PX = 1_000_000
CHECKED_PATCHES = 8  # compared between ONNX and PyTorch

Progress = Callable[[str, float], None]  # what is being done, and the share of the whole that is done (0 to 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may choose."""

    kind: Literal["feature", "pixel"] = "feature"
    grid: Grid = field(default_factory=lambda: Grid(1, 1))
    epochs: int = 30  # of the pixel model; the feature model has a closed form
    seed: int = 0
    device: str = "cpu"
    false_rejects: float = 0.01
    align: Literal["auto", "none", "object"] = "auto"
    paint: bool = False  # calibrate with strange colours painted, as a recipe with `enhance: model` will show them


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out."""

    info: ModelInfo
    threshold: calibration.Threshold
    suspects: list[str]
    notes: str  # what was chosen, in a line
    seconds: float


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


def train(product: str, images: Sequence[Path], settings: Settings, path: Path, progress: Progress) -> Trained:
    """Learn from good images, calibrate on held-out ones, export to `path`, and prove the export right.

    Raises DataError for an image that cannot be used, ModelError when the export differs from the model.
    """
    started = time.monotonic()
    learner = _learner(settings)
    with torch.no_grad() if settings.kind == "feature" else torch.enable_grad():
        good = _look(images, settings, learner, progress)
        scores, head = _fit_and_score(good, learner, settings, progress)
    threshold = calibration.threshold(list(scores.values()), settings.false_rejects)
    info = _info(product, settings, learner, good, threshold, scores)
    progress("exporting", 0.9)
    model = nn.Sequential(good.front, head).cpu().eval().requires_grad_(False)
    with replacing(path) as part:  # a file that fails the check never takes the old one's place
        onnx_file.export(model, info, good.gamut, part)
        onnx_file.check(model, good.patches(0)[:CHECKED_PATCHES], part)
    progress("done", 1)
    suspects = calibration.suspects({str(path): score for path, score in scores.items()})
    return Trained(info, threshold, suspects, _notes(head, settings, good.patch.decision), time.monotonic() - started)


@dataclass(frozen=True)
class _PatchMaker:
    """Image -> patches, in the order of the line: colour, fixture, grid."""

    grid: Grid
    patch_px: int
    fixture: Fixture | None
    decision: str  # whether to align, and why, in words

    def __call__(self, path: Path, image: Image, highlighter: ColourHighlighter | None = None) -> Patches:
        """Patches of one good image. Raises DataError where its part cannot be found."""
        painted = highlighter.paint(image) if highlighter else image
        if self.fixture is None:
            return self.grid.split(painted, (self.patch_px, self.patch_px))
        try:
            view = self.fixture.crop(painted, self.fixture.matrix(image))
        except AlignError as error:
            raise DataError(f"{path}: {error}: take it out of the good images, or train with --align none") from None
        return self.grid.split(view, self.fixture.patch_shape(self.patch_px, self.grid.rows, self.grid.cols))


def _fixture(images: Sequence[Path], align: str) -> tuple[Fixture | None, str]:
    if align == "none":
        return None, "not aligned: as asked"
    sample = images[:: max(1, len(images) // FIXTURE_SAMPLE)]
    return learn_fixture((read_image(path) for path in sample), insist=align == "object")


@dataclass(frozen=True)
class _GoodSet:
    """The good parts after one look at each."""

    images: Sequence[Path]
    settings: Settings
    patch: _PatchMaker
    front: nn.Module
    gamut: Gamut
    tolerance: int
    rows: Tensor  # (r, ...) of the patches that are learned from
    part_of_row: Tensor  # (r)

    @property
    def complete(self) -> bool:
        """Whether every patch of every part is among the rows."""
        return len(self.rows) == len(self.images) * self.settings.grid.patches

    def patches(self, part: int, highlighter: ColourHighlighter | None = None) -> Patches:
        return self.patch(self.images[part], read_image(self.images[part]), highlighter)

    def maps(self, parts: Sequence[int], head: nn.Module, highlighter: ColourHighlighter | None) -> NDArray[np.float32]:
        """Anomaly maps of all patches of some parts, (parts * patches, m, m)."""
        if self.complete and not highlighter:
            cells = torch.arange(self.settings.grid.patches)
            rows = self.rows[(torch.tensor(parts)[:, None] * len(cells) + cells).flatten().to(self.rows.device)]
        else:
            patches = np.concatenate([self.patches(part, highlighter) for part in parts])
            rows = _through(self.front, patches, self.settings.device)
        with torch.no_grad():
            maps: NDArray[np.float32] = head(rows)[0].cpu().numpy()
        return maps


def _look(images: Sequence[Path], settings: Settings, learner: Learner, progress: Progress) -> _GoodSet:
    """Read every good image once: its colours, and the rows of the patches that are learned from."""
    cells = settings.grid.patches
    wanted = _sample(len(images) * cells, settings.seed)
    patch = _PatchMaker(settings.grid, learner.patch_px, *_fixture(images, settings.align))
    sampled: list[Image] = []
    rows: list[Tensor] = []
    front = learner.front().to(settings.device)
    every = max(1, len(images) // TOLERANCE_SAMPLE)

    def colours() -> Iterator[Image]:
        for number, path in enumerate(images):
            image = read_image(path)
            chosen = wanted[number * cells : (number + 1) * cells]
            if chosen.any():
                rows.append(_through(front, patch(path, image)[chosen], settings.device))
            if number % every == 0:
                step = max(1, round((image.shape[0] * image.shape[1] / TOLERANCE_PX) ** 0.5))
                sampled.append(np.ascontiguousarray(image[::step, ::step]))
            progress("looking at good parts", 0.5 * (number + 1) / len(images))
            yield image

    gamut = Gamut.of(colours())
    part_of_row = torch.from_numpy(np.flatnonzero(wanted) // cells).to(settings.device)
    tolerance = suggest_tolerance(sampled)
    return _GoodSet(images, settings, patch, front, gamut, tolerance, torch.cat(rows), part_of_row)


def _fit_and_score(
    good: _GoodSet, learner: Learner, settings: Settings, progress: Progress
) -> tuple[dict[Path, float], nn.Module]:
    """Held-out scores of good parts, and the head to ship.

    Cross-fitted: each fold is scored by a head that never saw it, the shipped head saw all. Otherwise one fold is
    held out from the shipped head, and only its parts have scores.
    """
    learner = learner.decided(good.rows)
    folds = _folds(len(good.images), settings.seed)
    scores: dict[Path, float] = {}
    rounds = folds if learner.cross_fitted else folds[:1]
    steps = len(rounds) + learner.cross_fitted
    for number, held in enumerate(rounds):
        told = partial(_told, progress, number, steps)
        head = learner.fit(good.rows[~torch.isin(good.part_of_row, held.to(good.rows.device))], told)
        others = [path for part, path in enumerate(good.images) if part not in set(held.tolist())]
        highlighter = _highlighter(others, good.tolerance) if settings.paint else None
        for parts in (chunk.tolist() for chunk in held.split(max(1, 16 // settings.grid.patches))):
            each = judge.patch_scores(good.maps(parts, head, highlighter)).reshape(len(parts), -1)
            scores |= {good.images[part]: judge.part_score(patches) for part, patches in zip(parts, each, strict=True)}
        told(1.0)
    if learner.cross_fitted:
        head = learner.fit(good.rows, partial(_told, progress, steps - 1, steps))
    return scores, head


def _told(progress: Progress, number: int, steps: int, share: float) -> None:
    progress("learning and calibrating", 0.5 + 0.4 * (number + share) / steps)


def _highlighter(images: Sequence[Path], tolerance: int) -> ColourHighlighter:
    return ColourHighlighter(Gamut.of(read_image(path) for path in images), tolerance)


def _through(front: nn.Module, patches: Patches, device: str) -> Tensor:
    with torch.no_grad():
        batches = torch.from_numpy(patches).split(FRONT_BATCH)
        return torch.cat([front(batch.to(device)) for batch in batches])


def _sample(total: int, seed: int) -> NDArray[np.bool_]:
    """Which of all patches are learned from: all, or a random MAX_PATCHES of them."""
    wanted = np.zeros(total, bool)
    wanted[np.random.default_rng(seed).permutation(total)[:MAX_PATCHES]] = True
    return wanted


def _folds(count: int, seed: int) -> list[Tensor]:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    return [fold for fold in order.tensor_split(min(FOLDS, count)) if len(fold)]


def _learner(settings: Settings) -> Learner:
    if settings.kind == "feature":
        return FeatureLearner(settings.seed)
    return PixelLearner(settings.seed, settings.epochs)


def _info(
    product: str,
    settings: Settings,
    learner: Learner,
    good: _GoodSet,
    threshold: calibration.Threshold,
    scores: Mapping[Path, float],
) -> ModelInfo:
    hashes = {path: file_hash(path) for path in good.images}
    return ModelInfo(
        product=product,
        kind=settings.kind,
        grid=str(settings.grid),
        overlap=settings.grid.overlap,
        patch_px=learner.patch_px,
        fixture=good.patch.fixture,
        threshold=threshold.value,
        false_rejects=settings.false_rejects,
        guaranteed=threshold.guaranteed,
        held_out={hashes[path]: score for path, score in scores.items()},
        colour_tolerance=good.tolerance,
        enhanced=settings.paint,
        learned_from=frozenset(hashes[path] for path in good.images if learner.cross_fitted or path not in scores),
        images=len(good.images),
        patches=len(good.images) * settings.grid.patches,
        training_set=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:12],
        seed=settings.seed,
        versions={name: metadata.version(name) for name in ("torch", "onnx", "numpy")},
    )


def _notes(head: nn.Module, settings: Settings, aligned: str) -> str:
    if isinstance(head, feature.WhitenedAutoencoder):
        return f"feature autoencoder, bottleneck of {head.bottleneck} (chosen on held-out good parts); {aligned}"
    return f"pixel autoencoder, {settings.epochs} epochs; {aligned}"
