"""Good images in, one calibrated ONNX file out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export import calibration, feature, onnx_file
from export.good_set import GoodSet, look
from export.learners import Learner, learner_for
from export.settings import Progress, Settings
from inspector import judge
from inspector.colour import ColourHighlighter, Gamut
from inspector.files import replacing
from inspector.images import read_image
from inspector.model_info import ModelInfo, file_hash

FOLDS = 5
CHECKED_PATCHES = 8  # compared between ONNX and PyTorch


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out."""

    info: ModelInfo
    threshold: calibration.Threshold
    suspects: list[str]
    notes: str  # what was chosen, in a line
    seconds: float


def train(product: str, images: Sequence[Path], settings: Settings, path: Path, progress: Progress) -> Trained:
    """Learn from good images, calibrate on held-out ones, export to `path`, and prove the export right.

    Raises DataError for an image that cannot be used, ModelError when the export differs from the model.
    """
    started = time.monotonic()
    learner = learner_for(settings)
    with torch.no_grad() if settings.kind == "feature" else torch.enable_grad():
        good = look(images, settings, learner, progress)
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


def _fit_and_score(
    good: GoodSet, learner: Learner, settings: Settings, progress: Progress
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


def _folds(count: int, seed: int) -> list[Tensor]:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    return [fold for fold in order.tensor_split(min(FOLDS, count)) if len(fold)]


def _info(
    product: str,
    settings: Settings,
    learner: Learner,
    good: GoodSet,
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
