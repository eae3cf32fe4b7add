"""Good images in, one calibrated ONNX file out."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.learn import calibration, catch, onnx_file, scores
from export.learn.catch import Defect, Point
from export.learn.good_files import GoodFiles
from export.learn.good_quality import QualityFinding
from export.learn.good_set import GoodSet, look
from export.learn.learned import Learned, calibrated
from export.learn.learner import Capabilities, Fitted, Judge, Learner
from export.learn.learners import learner_for
from export.learn.scores import Calibrated, Scores
from export.learn.settings import Progress, Settings
from export.learn.synthetic_defects import DefectiveCopy
from inspector.files import replacing
from inspector.grid import Grid
from inspector.model_info import ModelInfo

FINER = {"quick": 0, "standard": 1, "best": 2}  # how often the grid is halved, where it is left to training
CLEARLY_MORE = 0.03  # of AUROC on synthetic defects, for several times the cost; less comes from their draw
CHECKED_PATCHES = 8  # compared between ONNX and PyTorch


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out."""

    info: ModelInfo
    capabilities: Capabilities  # of the learner
    threshold: calibration.Threshold
    threshold_without: float | None  # what it would be for the same budget without the suspects; None: there are none
    suspects: list[str]
    quality: list[QualityFinding]  # images to take again or leave out
    notes: str  # what was chosen, in a line
    points: list[Point]  # other thresholds, and what synthetic defects each catches
    caught: dict[str, float]  # share of each kind of synthetic defect that the threshold catches
    ms_per_part: float  # that the model takes, on all cores of this machine
    seconds: float


def train(product: str, images: Sequence[Path], settings: Settings, path: Path, progress: Progress) -> Trained:
    """Learn from good images, calibrate on held-out ones, export to `path`, and prove the export right.

    Raises DataError for an image that cannot be used, ModelError when the export differs from the model.
    """
    started = time.monotonic()
    files = GoodFiles(images)
    with torch.no_grad():  # who descends turns gradients on
        each = _each_learned(files, settings, progress)
    learned, threshold = calibrated(each, settings)
    points = catch.curve(list(learned.found.values()), learned.defects)
    info = _info(product, learned, threshold, time.monotonic() - started)
    progress("exporting", 0.9)
    model = learned.module.cpu().eval().requires_grad_(False)
    with replacing(path) as part:  # a file that fails the check never takes the old one's place
        onnx_file.export(model, info, learned.good.gamut, part)
        patches = learned.preparation.patches(files.image(0))
        onnx_file.check(model, patches[: CHECKED_PATCHES // info.patches_at_once * info.patches_at_once], part)
        cost_ms = onnx_file.milliseconds(patches, part)
    progress("done", 1)
    suspects = calibration.suspects({str(path): score for path, score in learned.found.items()})
    others = [score for path, score in learned.found.items() if str(path) not in suspects]
    without = calibration.threshold(others, threshold.budget).value if suspects else None
    caught = catch.by_kind(learned.defects, threshold.value) if points else {}
    seconds = time.monotonic() - started
    able, findings = learned.learner.capabilities, learned.good.findings
    return Trained(info, able, threshold, without, suspects, findings, learned.notes, points, caught, cost_ms, seconds)


def _each_learned(files: GoodFiles, settings: Settings, progress: Progress) -> list[Learned]:
    """Learn the whole part, or each region alone."""
    names = list(settings.regions)
    if not names:
        return [_one_learned(files, settings, progress)]
    each = []
    for number, name in enumerate(names):

        def told(what: str, share: float, number: int = number, name: str = name) -> None:
            progress(f"{name}: {what}", (0.9 * number + share) / len(names))

        each.append(_one_learned(files, dataclasses.replace(settings, region=name, finer=False), told))
    return each


def _one_learned(files: GoodFiles, settings: Settings, progress: Progress) -> Learned:
    learner, good = _prepared(files, settings, progress)
    found, defects, fitted, limits = _fit_and_score(good, learner, progress)
    # The rows of a good set may take a gigabyte, and are of no more use. A slice alone would keep them.
    good = dataclasses.replace(good, rows=good.rows[:0].clone(), part_of_row=good.part_of_row[:0].clone())
    notes = f"{learner.words}; grid {good.settings.grid}; {good.decision}"
    return Learned(fitted.module, good, learner, good.preparation, found, defects, limits, notes)


def _prepared(files: GoodFiles, settings: Settings, progress: Progress) -> tuple[Learner, GoodSet]:
    """Return the learner with its choices made, and the good set as it sees them.

    Where there is a choice, finer grids are tried too, the cheapest first.
    """
    shape = files.image(0, again=True).shape
    chosen = _selected(files, settings, learner_for(settings, shape), progress)
    for candidate in _costlier(settings) if chosen[0].capabilities.finer_grids else []:
        tried = _selected(files, candidate, learner_for(candidate, shape), progress)
        if tried[0].selection_auroc > chosen[0].selection_auroc + CLEARLY_MORE:
            chosen = tried
    return chosen


def _costlier(settings: Settings) -> list[Settings]:
    """List what may be taken instead of the settings as they are."""
    grid = settings.grid
    halvings = range(1, 1 + FINER[settings.effort]) if settings.finer else ()
    finer = [Grid(grid.rows << times, grid.cols << times, grid.overlap) for times in halvings]
    return [dataclasses.replace(settings, grid=each) for each in finer]


def _selected(files: GoodFiles, settings: Settings, learner: Learner, progress: Progress) -> tuple[Learner, GoodSet]:
    good = look(files, settings, learner, progress)
    selection = good.selection_set() if learner.capabilities.selects else None
    fixture = good.preparation.fixture
    any_turn = fixture is not None and fixture.any_turn
    return learner.select(good.rows, good.preparation.patch_shape, any_turn, selection), good


def _fit_and_score(
    good: GoodSet, learner: Learner, progress: Progress
) -> tuple[dict[Path, float], list[Defect], Fitted, Scores]:
    """Score good parts held out, and synthetic defects on some of them; fit the model to ship, in units set by the
    good parts; and find the limits of the grid's patches.
    """
    told = partial(_told, progress)
    held_out = learner.held_out(good.rows, good.part_of_row, told)
    components: dict[int, Scores] = {}
    copies = good.defective()
    defective: list[tuple[DefectiveCopy, Scores]] = []
    for number, fold in enumerate(good.folds if learner.capabilities.learns_from_all else good.folds[:1]):
        judge = held_out.without(torch.from_numpy(fold).to(good.rows.device))
        highlighter = good.highlighter_without(number)
        for part in fold.tolist():
            components[part] = _as_scores(judge(part, good.rows_of(part, highlighter)))
            defective += _judged(copies.get(part, []), part, good, judge)
        told(len(components) / len(good.files))
    fitted = held_out.fitted or learner.fit(good.rows, told)
    table = np.stack(list(components.values()))
    calibrated = Calibrated.of(table, learner.mix)
    fitted.use(calibrated.units)
    paths = [good.images[part] for part in components]
    defects = [Defect(each.kind, each.share, float(calibrated.scores(own[None])[0])) for each, own in defective]
    held_out_scores = scores.held_out(table, learner.mix).tolist()
    return dict(zip(paths, held_out_scores, strict=True)), defects, fitted, calibrated.patches


def _judged(
    copies: Sequence[DefectiveCopy], part: int, good: GoodSet, judge: Judge
) -> list[tuple[DefectiveCopy, Scores]]:
    """Score each copy of a part, (cells, components), all in one go."""
    if not copies:
        return []
    components = _as_scores(judge(part, torch.cat([good.rows_of_view(each.image) for each in copies])))
    return list(zip(copies, np.split(components, len(copies)), strict=True))


def _as_scores(components: Tensor) -> Scores:
    return components.detach().cpu().numpy().astype(np.float64)


def _told(progress: Progress, share: float) -> None:
    progress("learning and calibrating", 0.5 + 0.4 * share)


def _info(product: str, learned: Learned, threshold: calibration.Threshold, seconds: float) -> ModelInfo:
    good, learner, found, grid = learned.good, learned.learner, learned.found, learned.preparation.grid
    hashes = {path: good.files.digest(number) for number, path in enumerate(good.images)}
    all_learned = learner.capabilities.learns_from_all
    return ModelInfo(
        product=product,
        kind=learner.capabilities.kind,
        grid=str(grid),
        overlap=grid.overlap,
        patch_shape=good.preparation.patch_shape,
        image_shape=good.image_shape,
        fixture=good.preparation.fixture,
        roi=good.preparation.roi,
        regions=learned.regions,
        threshold=threshold.value,
        patch_limits=tuple(learned.limits.tolist()),
        false_rejects=threshold.budget,
        guaranteed=threshold.guaranteed,
        held_out={hashes[path]: score for path, score in found.items()},
        colour_tolerance=good.tolerance,
        enhanced=good.settings.enhance,
        learned_from=frozenset(hashes[path] for path in good.images if all_learned or path not in found),
        images=len(good.images),
        patches=len(good.images) * grid.patches,
        training_set=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:12],
        seed=good.settings.seed,
        train_seconds=round(seconds, 1),
        versions={name: metadata.version(name) for name in ("torch", "onnx", "numpy")},
    )
