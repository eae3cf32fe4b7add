"""Good images in, one calibrated ONNX file out."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.learn import calibration, onnx_file
from export.learn.good_quality import Finding
from export.learn.good_set import GoodSet, look
from export.learn.learners import USUAL_PX, FeatureLearner, Head, Learner, learner_for
from export.learn.scores import Calibrated, Scores, held_out
from export.learn.settings import Progress, Settings
from inspector.colour import ColourHighlighter, Gamut
from inspector.files import replacing
from inspector.grid import Grid
from inspector.images import read_image
from inspector.model_info import ModelInfo, file_hash

FOLDS = 5
LARGER_PX = (384, 512)  # sides tried with effort `best`, beside the usual one: 2.25 and 4 times its cost
FINER = {"quick": 0, "standard": 1, "best": 2}  # how often the grid is halved, where it is left to training
CLEARLY_MORE = 0.03  # of AUROC on synthetic defects, for several times the cost; less comes from their draw
CHECKED_PATCHES = 8  # compared between ONNX and PyTorch


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out."""

    info: ModelInfo
    threshold: calibration.Threshold
    suspects: list[str]
    quality: list[Finding]  # images to take again or leave out
    notes: str  # what was chosen, in a line
    seconds: float


def train(product: str, images: Sequence[Path], settings: Settings, path: Path, progress: Progress) -> Trained:
    """Learn from good images, calibrate on held-out ones, export to `path`, and prove the export right.

    Raises DataError for an image that cannot be used, ModelError when the export differs from the model.
    """
    started = time.monotonic()
    with torch.no_grad() if settings.kind == "feature" else torch.enable_grad():
        learner, good = _prepared(images, settings, progress)
        settings = good.settings  # as decided
        scores, head, limits = _fit_and_score(good, learner, settings, progress)
    threshold = calibration.threshold(list(scores.values()), settings.false_rejects)
    info = _info(product, settings, learner, good, threshold, scores, limits, time.monotonic() - started)
    progress("exporting", 0.9)
    model = learner.model(good.front, head).cpu().eval().requires_grad_(False)
    with replacing(path) as part:  # a file that fails the check never takes the old one's place
        onnx_file.export(model, info, good.gamut, part)
        onnx_file.check(model, good.patches(0)[:CHECKED_PATCHES], part)
    progress("done", 1)
    suspects = calibration.suspects({str(path): score for path, score in scores.items()})
    notes = _notes(learner, settings, good.patch.decision)
    return Trained(info, threshold, suspects, good.findings, notes, time.monotonic() - started)


def _prepared(images: Sequence[Path], settings: Settings, progress: Progress) -> tuple[Learner, GoodSet]:
    """The learner with its choices made, and the good set as it sees them.

    Where there is a choice, larger inputs and finer grids are tried too, the cheapest first.
    """
    chosen = _decided(images, settings, progress)
    for candidate in _costlier(settings):
        tried = _decided(images, candidate, progress)
        if tried[0].trial_auroc > chosen[0].trial_auroc + CLEARLY_MORE:
            chosen = tried
    return chosen


def _costlier(settings: Settings) -> list[Settings]:
    """What may be taken instead of the settings as they are."""
    if settings.kind != "feature":
        return []
    grid = settings.grid
    halvings = range(1, 1 + FINER[settings.effort]) if settings.finer else ()
    finer = [Grid(grid.rows << times, grid.cols << times, grid.overlap) for times in halvings]
    larger = LARGER_PX if settings.effort == "best" else ()
    return [
        *(dataclasses.replace(settings, patch_px=side) for side in larger if side > (settings.patch_px or USUAL_PX)),
        *(dataclasses.replace(settings, grid=each) for each in finer),
    ]


def _decided(images: Sequence[Path], settings: Settings, progress: Progress) -> tuple[Learner, GoodSet]:
    learner = learner_for(settings, read_image(images[0]).shape)
    good = look(images, settings, learner, progress)
    held = good.trial() if settings.kind == "feature" and settings.effort != "quick" else None
    return learner.decided(good.rows, good.patch.patch_shape, held), good


def _fit_and_score(
    good: GoodSet, learner: Learner, settings: Settings, progress: Progress
) -> tuple[dict[Path, float], Head, Scores]:
    """Held-out scores of good parts, the head to ship, in units set by them, and the limits of the grid's patches.

    Cross-fitted: each fold is scored by a head that never saw it, the shipped head saw all. Otherwise one fold is
    held out from the shipped head, and only its parts have scores.
    """
    folds = _folds(len(good.images), settings.seed)
    kinds: dict[Path, Scores] = {}
    rounds = folds if learner.cross_fitted else folds[:1]
    steps = len(rounds) + learner.cross_fitted
    for number, held in enumerate(rounds):
        told = partial(_told, progress, number, steps)
        head = learner.fit(good.rows[~torch.isin(good.part_of_row, held.to(good.rows.device))], told)
        others = [path for part, path in enumerate(good.images) if part not in set(held.tolist())]
        highlighter = _highlighter(others, good.tolerance) if settings.paint else None
        for parts in (chunk.tolist() for chunk in held.split(max(1, 16 // settings.grid.patches))):
            each = good.kinds(parts, head, highlighter)
            kinds |= {good.images[part]: own for part, own in zip(parts, each, strict=True)}
        told(1.0)
    if learner.cross_fitted:
        head = learner.fit(good.rows, partial(_told, progress, steps - 1, steps))
    table = np.stack(list(kinds.values()))
    calibrated = Calibrated.of(table)
    head.use(calibrated.units)
    return dict(zip(kinds, held_out(table).tolist(), strict=True)), head, calibrated.patches


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
    limits: Scores,
    seconds: float,
) -> ModelInfo:
    hashes = {path: file_hash(path) for path in good.images}
    return ModelInfo(
        product=product,
        kind=settings.kind,
        grid=str(settings.grid),
        overlap=settings.grid.overlap,
        patch_shape=good.patch.patch_shape,
        image_shape=good.image_shape,
        fixture=good.patch.fixture,
        threshold=threshold.value,
        patch_limits=tuple(limits.tolist()),
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
        train_seconds=round(seconds, 1),
        versions={name: metadata.version(name) for name in ("torch", "onnx", "numpy")},
    )


def _notes(learner: Learner, settings: Settings, aligned: str) -> str:
    if not isinstance(learner, FeatureLearner):
        return f"pixel autoencoder, {settings.epochs} epochs; {aligned}"
    choice = learner.choice
    levels = "joint" if choice.joint else "separate"
    how = "held-out good parts" + ("" if learner.trial_auroc == 0 else " and synthetic defects")
    return (
        f"feature autoencoder of {learner.seen_px} px, grid {settings.grid}, bottleneck of {choice.bottleneck}, "
        f"{levels} levels, "
        f"{choice.pooled:.0%} of the covariance pooled (chosen on {how}); {aligned}"
    )
