"""The result of one evaluation as data: what `evaluate --json` prints, and what `compare` and the report read."""

from __future__ import annotations

import datetime
import hashlib
import math
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from export.dataset import Labelled
from export.evaluate.bootstrap import Interval, intervals
from export.evaluate.metrics import Metrics, Outcome
from export.evaluate.points import ThresholdEffect, operating_points
from inspector.errors import DataError
from inspector.inspection import Inspector
from inspector.model_info import ModelInfo, file_hash
from inspector.records import Verdict
from inspector.text import finite
from inspector.yaml_file import complaint

PROGRAM = "line-inspector"
# What a figure may depend on. The first of each that is installed: some packages have several names.
PACKAGES = (("numpy",), ("opencv-python",), ("onnxruntime-gpu", "onnxruntime"), ("scikit-learn",))


class _Data(BaseModel):
    """Strict, so that a file of another origin or version is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImageResult(_Data):
    """One image; a missed part has no score."""

    name: str
    defect: str
    score: float | None
    verdict: Literal["pass", "fail", "missed"]


class ModelFacts(_Data):
    """Which model was measured, and how it was made. Hashes are 12 hexadecimal digits."""

    hash: str
    kind: str
    seed: int
    grid: str
    overlap: float
    aligned: bool
    painted: bool  # strange colours are painted before the model looks
    guaranteed: bool  # enough good parts for the budget that it was trained with
    training_images: int
    training_set: str
    train_seconds: float | None = None  # None where the model does not say


class OperatingPoint(_Data):
    """A threshold, and what it does to this test set."""

    threshold: float
    recall: float
    false_reject_rate: float
    defects_missed: int
    false_rejects: int


class Intervals(_Data):
    """95 % bootstrap intervals, (low, high); None where the figure does not exist."""

    image_auroc: Interval | None
    pixel_auroc: Interval | None
    au_pro: Interval | None
    f1: Interval | None
    best_f1: Interval | None
    false_reject_rate: Interval | None


class Result(_Data):
    """One product's figures on one test set; None where a figure does not exist."""

    product: str
    images: int
    anomalies: int
    image_auroc: float | None
    precision: float
    recall: float
    f1: float
    accuracy: float
    threshold: float
    best_f1: float | None
    false_reject_rate: float | None
    false_reject_budget: float
    pixel_auroc: float | None
    au_pro: float | None
    ms_per_part_p50: float | None
    model_mb: float
    intervals: Intervals
    operating_points: dict[str, OperatingPoint] = {}  # by name; none where no part of one class was judged
    model: ModelFacts
    recipe_hash: str
    test_set: str  # hash over the test images
    seen_in_training: int  # test images that the model knew: they make figures too good
    seen_images: list[str] = []  # their names
    utc: str  # ISO 8601
    versions: dict[str, str]
    per_image: list[ImageResult]


def describe(
    inspector: Inspector, images: Sequence[Labelled], outcomes: Sequence[Outcome], metrics: Metrics, model: Path
) -> Result:
    """Everything about one evaluation that has a name; `model` is the model's file."""
    hashes = {image.name: file_hash(image.path) for image in images}
    info = inspector.detector.info
    seen = seen_in_training(info, hashes)
    points = operating_points(metrics.results, inspector.threshold)
    return Result(
        product=inspector.recipe.product,
        images=metrics.images,
        anomalies=metrics.anomalies,
        image_auroc=finite(metrics.image_auroc),
        precision=metrics.precision,
        recall=metrics.recall,
        f1=metrics.f1,
        accuracy=metrics.accuracy,
        threshold=inspector.threshold,
        best_f1=finite(metrics.best_f1),
        false_reject_rate=finite(metrics.false_reject_rate),
        false_reject_budget=inspector.budget,
        pixel_auroc=finite(metrics.pixels.auroc),
        au_pro=finite(metrics.pixels.au_pro),
        ms_per_part_p50=finite(latency_ms(outcomes, 50)),
        model_mb=round(model.stat().st_size / 1e6, 3),
        intervals=_intervals(metrics, outcomes),
        operating_points={name: _operating_point(point) for name, point in points.items()},
        model=_model_facts(info, inspector.detector.model_hash),
        recipe_hash=inspector.recipe.hash,
        test_set=hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()[:12],
        seen_in_training=len(seen),
        seen_images=seen,
        utc=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        versions=versions(),
        per_image=[_image_result(outcome) for outcome in outcomes],
    )


def seen_in_training(info: ModelInfo, hashes: Mapping[str, str]) -> list[str]:
    """Name the images that the model learned from, or that set its threshold; `hashes` are the files', by name."""
    known = info.learned_from | info.held_out.keys()
    return [name for name, digest in hashes.items() if digest in known]


def load_result(path: Path) -> Result:
    """Read what `evaluate --json` has printed. Raises DataError, in one line, for any other file."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path}: not a result of `evaluate --json` ({complaint(error)}): make it again") from None


def latency_ms(outcomes: Sequence[Outcome], percentile: float) -> float:
    """Return time from the image in memory to the verdict, over the judged parts; nan where there are none."""
    times = [o.inspection.latency_ms for o in outcomes if o.inspection.verdict is not Verdict.MISSED]
    return float(np.percentile(times, percentile)) if times else math.nan


def versions() -> dict[str, str]:
    """Say what this program and the packages that figures depend on are, by name."""
    named = {"python": platform.python_version()}
    for names in ((PROGRAM,), *PACKAGES):
        for name in names:
            try:
                named[name] = metadata.version(name)
                break
            except metadata.PackageNotFoundError:
                continue
    return named


def _intervals(metrics: Metrics, outcomes: Sequence[Outcome]) -> Intervals:
    found = intervals(metrics.results, [outcome.defect for outcome in outcomes])
    if not metrics.anomalies:
        found["f1"] = None  # 0 by convention, which no other images of good parts would change
    return Intervals(**found)


def _operating_point(point: ThresholdEffect) -> OperatingPoint:
    return OperatingPoint(
        threshold=point.threshold,
        recall=point.recall,
        false_reject_rate=point.false_reject_rate,
        defects_missed=point.defects - point.found,
        false_rejects=point.false_rejects,
    )


def _model_facts(info: ModelInfo, model_hash: str) -> ModelFacts:
    return ModelFacts(
        hash=model_hash,
        kind=info.kind,
        seed=info.seed,
        grid=info.grid,
        overlap=info.overlap,
        aligned=info.fixture is not None,
        painted=info.enhanced,
        guaranteed=info.guaranteed,
        training_images=info.images,
        training_set=info.training_set,
        train_seconds=info.model_dump().get("train_seconds"),
    )


def _image_result(outcome: Outcome) -> ImageResult:
    return ImageResult(
        name=outcome.name,
        defect=outcome.defect,
        score=finite(outcome.inspection.score),
        verdict=outcome.inspection.verdict.value,
    )
