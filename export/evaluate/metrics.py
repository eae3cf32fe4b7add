"""How good the verdicts are, against labels. scikit-learn's metrics, put into one record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import classification_report, roc_curve

from export.evaluate.pixel_metrics import PixelLevels, PixelMetrics, count_levels
from export.masks import read_mask
from inspector.records import Inspection, Mask

NAMES = ("NOT ANOMALY", "ANOMALY")

Weights = NDArray[np.int64]  # (images,), how often each image counts
Flags = NDArray[np.bool_]  # (images,)
Shares = NDArray[np.float64]  # 0 to 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """One image of the test set: what it is, and what the line said."""

    name: str
    defect: str
    anomalous: bool
    inspection: Inspection
    masks: tuple[Path, ...] = ()  # together they show where the defect is
    area: Mask | None = None  # where the part is judged, as large as its map; None: everywhere

    @property
    def right(self) -> bool:
        """Rejected exactly when anomalous; a missed part is rejected."""
        return self.inspection.verdict.reject is self.anomalous


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures that a test set of other parts would have changed; nan where they do not exist."""

    image_auroc: float  # over the judged images
    pixel_auroc: float
    au_pro: float
    f1: float  # of ANOMALY
    best_f1: float  # at the threshold that suits this very test set best: what calibration could reach at most
    false_reject_rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """A test set's outcomes as arrays, from which the figures follow for any resampling of its images."""

    anomalous: Flags
    rejected: Flags
    scores: NDArray[np.float64]  # (images,), nan where the part was missed
    levels: PixelLevels

    def figures(self, weights: Weights | None = None) -> Figures:
        """Return the figures where each image counts `weights` times (default: once)."""
        each = np.ones(len(self.anomalous), np.int64) if weights is None else weights
        judged = np.isfinite(self.scores) & (each > 0)
        ranked = self.anomalous[judged], self.scores[judged], each[judged]
        pixels = self.levels.metrics(each)
        return Figures(
            image_auroc=_auroc(*ranked),
            pixel_auroc=pixels.auroc,
            au_pro=pixels.au_pro,
            f1=_f1(self.anomalous, self.rejected, each),
            best_f1=_best_f1(*ranked),
            false_reject_rate=_false_reject_rate(self.anomalous, self.rejected, each),
        )


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
    best_f1: float  # see Figures
    false_reject_rate: float
    pixels: PixelMetrics
    report: dict[str, Any]  # per class and averages, as scikit-learn's classification_report gives them
    results: Results = field(repr=False)


def measure(outcomes: Sequence[Outcome]) -> Metrics:
    """Return all figures of one evaluation. Raises DataError where a mask cannot be read."""
    results = _results(outcomes)
    figures = results.figures()
    report = classification_report(
        results.anomalous,
        results.rejected,
        labels=[False, True],
        target_names=NAMES,
        output_dict=True,
        zero_division=0.0,
    )
    anomaly = report["ANOMALY"]
    return Metrics(
        images=len(outcomes),
        anomalies=int(results.anomalous.sum()),
        image_auroc=figures.image_auroc,
        precision=anomaly["precision"],
        recall=anomaly["recall"],
        f1=anomaly["f1-score"],
        accuracy=sum(outcome.right for outcome in outcomes) / len(outcomes),
        best_f1=figures.best_f1,
        false_reject_rate=figures.false_reject_rate,
        pixels=PixelMetrics(figures.pixel_auroc, figures.au_pro),
        report=report,
        results=results,
    )


def _results(outcomes: Sequence[Outcome]) -> Results:
    return Results(
        anomalous=np.array([outcome.anomalous for outcome in outcomes]),
        rejected=np.array([outcome.inspection.verdict.reject for outcome in outcomes]),
        scores=np.array([outcome.inspection.score for outcome in outcomes]),
        levels=count_levels(
            [outcome.inspection.anomaly_map for outcome in outcomes],
            _masks(outcomes),
            [outcome.area for outcome in outcomes],
        ),
    )


def roc(truth: Flags, scores: NDArray[np.float64]) -> tuple[Shares, Shares] | None:
    """Return (false reject rate, share of defects found) by falling threshold; None where there is only one class."""
    if truth.all() or not truth.any():
        return None
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    return fpr, tpr


# What the bootstrap asks a thousand times is written out: scikit-learn's functions take a millisecond each.


def _auroc(truth: Flags, scores: NDArray[np.float64], weights: Weights) -> float:
    found, wrong = _by_falling_threshold(truth, scores, weights)
    if not (len(found) and found[-1] and wrong[-1]):
        return math.nan
    return float(np.trapezoid(np.r_[0, found], np.r_[0, wrong]) / (found[-1] * wrong[-1]))


def _f1(anomalous: Flags, rejected: Flags, weights: Weights) -> float:
    wrong, found = weights @ (anomalous != rejected), weights @ (anomalous & rejected)
    return float(2 * found / (2 * found + wrong)) if found + wrong else 0.0


def _best_f1(truth: Flags, scores: NDArray[np.float64], weights: Weights) -> float:
    found, wrong = _by_falling_threshold(truth, scores, weights)
    if not (len(found) and found[-1]):
        return math.nan
    return float(np.max(2 * found / (found + wrong + found[-1])))


def _by_falling_threshold(truth: Flags, scores: NDArray[np.float64], weights: Weights) -> tuple[Weights, Weights]:
    """Count the defects and the good parts at or above each score that there is, (scores,) each."""
    order = np.argsort(-scores)
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of equal scores
    return np.cumsum((weights * truth)[order])[last], np.cumsum((weights * ~truth)[order])[last]


def _false_reject_rate(anomalous: Flags, rejected: Flags, weights: Weights) -> float:
    good = weights[~anomalous]
    return float(good @ rejected[~anomalous] / good.sum()) if good.sum() else math.nan


def _masks(outcomes: Sequence[Outcome]) -> Iterator[Mask | None]:
    """Yield every image's defect pixels, where they are known; good images have none, in the size of the first mask."""
    first = next((outcome.masks for outcome in outcomes if outcome.masks), None)
    size = read_mask(first).shape if first else None
    for outcome in outcomes:
        if outcome.masks:
            yield read_mask(outcome.masks)
        else:
            yield None if size is None or outcome.anomalous else np.zeros(size, bool)
