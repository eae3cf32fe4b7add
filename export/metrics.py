"""How good the verdicts are, against labels. scikit-learn's metrics, put into one record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.metrics import classification_report, roc_auc_score

from inspector.records import Inspection

NAMES = ("NOT ANOMALY", "ANOMALY")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One image of the test set: what it is, and what the line said."""

    name: str
    defect: str
    anomalous: bool
    inspection: Inspection

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
    false_reject_rate: float
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
        false_reject_rate=sum(good) / len(good) if good else math.nan,
        report=report,
    )


def _auroc(outcomes: Sequence[Outcome]) -> float:
    judged = [outcome for outcome in outcomes if outcome.inspection.cause is None]
    truth = [outcome.anomalous for outcome in judged]
    if len(set(truth)) < 2:
        return math.nan
    return float(roc_auc_score(truth, [outcome.inspection.score for outcome in judged]))
