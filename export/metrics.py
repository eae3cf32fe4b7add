"""How good the verdicts are, against labels. scikit-learn's metrics, put into one record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import classification_report, precision_recall_curve, roc_auc_score

from export.pixel_metrics import PixelMetrics, measure_pixels
from inspector.images import read_image
from inspector.records import AnomalyMap, Inspection, Mask

NAMES = ("NOT ANOMALY", "ANOMALY")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One image of the test set: what it is, and what the line said."""

    name: str
    defect: str
    anomalous: bool
    inspection: Inspection
    mask: Path | None = None  # non-zero where the defect is

    @property
    def right(self) -> bool:
        """Rejected exactly when anomalous; a missed part is rejected."""
        return self.inspection.verdict.reject is self.anomalous


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures over a test set; nan where it has only one class. A missed part counts as rejected."""

    images: int
    anomalies: int
    image_auroc: float  # over the judged images
    precision: float  # of ANOMALY, as recall and f1
    recall: float
    f1: float
    accuracy: float
    best_f1: float  # at the threshold that suits this very test set best: what calibration could reach at most
    false_reject_rate: float
    pixels: PixelMetrics
    report: dict[str, Any]  # per class and averages, as scikit-learn's classification_report gives them


def measure(outcomes: Sequence[Outcome]) -> Metrics:
    """All figures of one evaluation."""
    truth = [outcome.anomalous for outcome in outcomes]
    said = [outcome.inspection.verdict.reject for outcome in outcomes]
    report = classification_report(
        truth, said, labels=[False, True], target_names=NAMES, output_dict=True, zero_division=0.0
    )
    good = [rejected for rejected, anomalous in zip(said, truth, strict=True) if not anomalous]
    anomaly = report["ANOMALY"]
    return Metrics(
        images=len(truth),
        anomalies=sum(truth),
        image_auroc=_auroc(outcomes),
        precision=anomaly["precision"],
        recall=anomaly["recall"],
        f1=anomaly["f1-score"],
        accuracy=sum(outcome.right for outcome in outcomes) / len(outcomes),
        best_f1=_best_f1(outcomes),
        pixels=measure_pixels(_maps_and_masks(outcomes)),
        false_reject_rate=sum(good) / len(good) if good else math.nan,
        report=report,
    )


def _auroc(outcomes: Sequence[Outcome]) -> float:
    truth, scores = _judged(outcomes)
    return float(roc_auc_score(truth, scores)) if len(set(truth)) == 2 else math.nan


def _best_f1(outcomes: Sequence[Outcome]) -> float:
    truth, scores = _judged(outcomes)
    if not any(truth):
        return math.nan
    precision, recall, _ = precision_recall_curve(truth, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def _judged(outcomes: Sequence[Outcome]) -> tuple[list[bool], list[float]]:
    """Truth and score of every image that has a score."""
    judged = [outcome for outcome in outcomes if outcome.inspection.cause is None]
    return [outcome.anomalous for outcome in judged], [outcome.inspection.score for outcome in judged]


def _maps_and_masks(outcomes: Sequence[Outcome]) -> Iterator[tuple[AnomalyMap, Mask]]:
    """Every judged image whose defect pixels are known; good images have none."""
    masks = [np.asarray(read_image(o.mask).any(axis=2), bool) if o.mask else None for o in outcomes]
    shape = next((mask.shape for mask in masks if mask is not None), None)
    for outcome, mask in zip(outcomes, masks, strict=True):
        anomaly_map = outcome.inspection.anomaly_map
        if anomaly_map is None or shape is None or (mask is None and outcome.anomalous):
            continue
        yield anomaly_map, np.zeros(shape, bool) if mask is None else mask
