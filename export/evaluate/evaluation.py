"""Image files through the very code that the line runs, and everything that a report tells of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from export.evaluate.metrics import Metrics, Outcome
from export.evaluate.results import Result
from inspector.errors import DataError
from inspector.identity import PartIdentity
from inspector.images import read_image
from inspector.inspection import Inspector
from inspector.records import Cause, Frame, Inspection, Mask, Verdict

HALF = 0.5  # of a cell, from which on it counts as judged


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, and with what."""

    inspector: Inspector
    outcomes: Sequence[Outcome]
    metrics: Metrics
    result: Result
    paths: Mapping[str, Path]  # name of an image -> its file

    def count(self, anomalous: bool, *verdicts: Verdict) -> int:
        """Say how many parts of one class got one of these verdicts (default: any)."""
        wanted = verdicts or tuple(Verdict)
        return sum(o.anomalous is anomalous and o.inspection.verdict in wanted for o in self.outcomes)

    @property
    def let_through(self) -> int:
        """Defective parts that passed."""
        return self.count(True, Verdict.PASS)

    @property
    def false_rejects(self) -> int:
        """Return good parts that were rejected, judged or not."""
        return self.count(False, Verdict.FAIL, Verdict.MISSED)

    @property
    def defects(self) -> int:
        return self.count(True)

    @property
    def good(self) -> int:
        return self.count(False)

    def by_kind(self) -> Mapping[str, list[Outcome]]:
        """Return good parts first, then each kind of defect; only kinds that there are."""
        kinds: dict[str, list[Outcome]] = {}
        for outcome in sorted(self.outcomes, key=lambda o: (o.anomalous, o.defect)):
            kinds.setdefault(outcome.defect, []).append(outcome)
        return kinds


def judged_scores(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return the scores of those that could be judged."""
    return np.array([o.inspection.score for o in outcomes if not o.inspection.cause], float)


def inspect_images(inspector: Inspector, images: Sequence[Path]) -> Iterator[Inspection]:
    """Inspect each file, in order; a file that cannot be used is MISSED with its cause, as on the line."""
    for index, path in enumerate(images):
        try:
            image = read_image(path)
        except DataError as error:
            identity = PartIdentity(index, time.monotonic_ns(), str(path))
            yield inspector.missed(identity, Cause.DECODE, str(error))
            continue
        yield inspector.inspect([Frame(index, time.monotonic_ns(), image, str(path))])[0]


def judged_area(inspector: Inspector, inspection: Inspection) -> Mask | None:
    """Say where a part was judged; None: everywhere, or nowhere because it was missed.

    Where parts lie the same in all pictures, to the pixel: all of them share one mask. Else as large as the map.
    """
    if inspection.image is None or inspection.anomaly_map is None:
        return None
    judged = inspector.preparation.judged(inspection.image)
    if judged is None or inspector.preparation.fixture is None:
        return judged
    size = inspection.anomaly_map.shape[::-1]
    return cv2.resize(judged.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= HALF


def score_images(inspector: Inspector, images: Sequence[Path]) -> NDArray[np.float64]:
    """Score files that must all be readable, (n, patches); a part's score is the highest of its patches.

    Raises DataError for the first that is not.
    """
    scores = np.empty((len(images), inspector.grid.patches))
    for number, inspection in enumerate(inspect_images(inspector, images)):
        if inspection.patch_scores is None:
            named = inspection.cause is Cause.DECODE  # whose detail begins with the file
            raise DataError(inspection.detail if named else f"{inspection.part}: {inspection.detail}")
        scores[number] = inspection.patch_scores.ravel()
    return scores
