"""Show the parts worth looking at: those with the wrong verdict, or the closest calls, each with its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export.evaluate.evaluation import Evaluation
from export.evaluate.metrics import Outcome
from export.evaluate.pages import jpeg_uri
from export.evaluate.reconstructions import FAINTEST, RECONSTRUCTION, SEEN, STRANGE, panels
from export.masks import read_mask
from inspector.images import read_image
from inspector.inspection import Inspector
from inspector.overlay.marks import draw_heat
from inspector.records import Image, Mask, Verdict

WORST, CLOSEST = 6, 3  # cases shown: of wrong verdicts, and of closest calls where none is wrong
SIDE = 480  # px, the longer side of a picture
MASK_LINE = (230, 190, 0)  # BGR: the labelled defect


# Title and words where verdicts are wrong, where none is, and where no part of the class was judged.
DEFECTS = (
    ("Missed defects", "Defective parts that passed, the least conspicuous first. {shown}"),
    ("Closest calls among the defects", "Every judged defect was rejected. These came closest to passing."),
    ("Defects", "No defective part was judged."),
)
GOODS = (
    ("False rejects", "Good parts that were rejected, the most conspicuous first. {shown}"),
    ("Closest calls among the good parts", "Every judged good part passed. These came closest to being rejected."),
    ("Good parts", "No good part was judged."),
)


@dataclass(frozen=True, slots=True)
class Cases:
    """Parts of one class, the most telling first."""

    wrong: bool  # they got the wrong verdict; else they were the closest to getting it
    total: int  # how many got the wrong verdict
    shown: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """One picture as an HTML page holds it."""

    title: str
    uri: str


def section(evaluation: Evaluation, anomalous: bool) -> dict[str, Any]:
    """Describe the report's section on the defects, or on the good parts."""
    cases, texts = worst(evaluation.outcomes, anomalous), DEFECTS if anomalous else GOODS
    title, said = texts[0 if cases.wrong else 1 if cases.shown else 2]
    shown = "All are shown." if len(cases.shown) == cases.total else f"{len(cases.shown)} of {cases.total} are shown."
    cards = [
        {
            "name": outcome.name,
            "score": outcome.inspection.score,
            "percentile_in_words": outcome.inspection.percentile_in_words,
            "pictures": pictures(evaluation.inspector, outcome, evaluation.paths[outcome.name]),
        }
        for outcome in cases.shown
    ]
    return {"title": title, "words": said.format(shown=shown), "cases": cards}


def worst(outcomes: Sequence[Outcome], anomalous: bool) -> Cases:
    """Choose of the judged defects (or good parts) those passed (rejected), or those that came closest to it."""
    judged = [o for o in outcomes if o.anomalous is anomalous and o.inspection.verdict is not Verdict.MISSED]
    wrong = [o for o in judged if not o.right]
    telling = sorted(wrong or judged, key=lambda o: o.inspection.score, reverse=not anomalous)
    return Cases(bool(wrong), len(wrong), telling[: WORST if wrong else CLOSEST])


def pictures(inspector: Inspector, outcome: Outcome, path: Path) -> list[EmbeddedPicture]:
    """Show a judged part with its defect outlined, what was strange about it, and what the autoencoder made of it."""
    image, scores = read_image(path), outcome.inspection.patch_scores
    if scores is None or outcome.inspection.anomaly_map is None:
        return []
    shown = panels(inspector, image, int(scores.argmax()))
    mask = read_mask(outcome.masks) if outcome.masks else None
    row, col = np.unravel_index(int(scores.argmax()), scores.shape)
    patch = f", strangest patch ({row}, {col})" if scores.size > 1 else ""
    strange = image.copy()
    draw_heat(strange, outcome.inspection.anomaly_map, inspector.threshold, FAINTEST)
    drawn = {_title(outcome): outlined(image, mask), STRANGE: strange}
    drawn |= {f"{title}{patch}": shown[title] for title in (SEEN, RECONSTRUCTION) if title in shown}
    return [EmbeddedPicture(title, jpeg_uri(_fitted(picture))) for title, picture in drawn.items()]


def _title(outcome: Outcome) -> str:
    if not outcome.anomalous:
        return "the part"
    return "the part, defect outlined" if outcome.masks else "the part (its defect has no mask)"


def outlined(image: Image, mask: Mask | None) -> Image:
    """Copy the picture with a line around what the mask covers; the mask may have another size."""
    drawn: Image = image.copy()
    if mask is not None:
        height, width = image.shape[:2]
        scaled = np.asarray(
            cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST), np.uint8
        )
        contours, _ = cv2.findContours(scaled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(drawn, contours, -1, MASK_LINE, max(1, max(height, width) // 160), cv2.LINE_AA)
    return drawn


def _fitted(picture: Image) -> Image:
    """At most SIDE px on the longer side; a smaller one is returned as it is."""
    scale = SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(scale * picture.shape[1])), max(1, round(scale * picture.shape[0]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
