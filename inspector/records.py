"""What crosses the stages: frames in, inspections out. Pure data, no behaviour beyond derived values."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from inspector.identity import PartIdentity, RunIdentity

Image = NDArray[np.uint8]  # (height, width, 3) BGR
Patches = NDArray[np.uint8]  # (n, patch, patch, 3) BGR
Mask = NDArray[np.bool_]  # (height, width)
AnomalyMap = NDArray[np.float32]  # (height', width'), 0 = as good parts look, higher is stranger
PatchScores = NDArray[np.float32]  # (rows, cols), one score per patch of the grid
Boxes = NDArray[np.int32]  # (n, 4): top, left, bottom, right in pixels, the last two exclusive


class Verdict(enum.Enum):
    """What the line is told about one part."""

    PASS = "pass"
    FAIL = "fail"
    MISSED = "missed"  # captured but never judged; the line must treat it as FAIL

    @property
    def reject(self) -> bool:
        return self is not Verdict.PASS


class Cause(enum.Enum):
    """Why a frame was missed."""

    OVERFLOW = "overflow"  # evicted: parts arrived faster than they can be inspected
    DEADLINE = "deadline"  # no verdict in time, as the recipe wants it
    DECODE = "decode"  # the picture could not be decoded, or is not an image that can be judged
    SIZE = "size"  # the picture has another size than those that the model learned from
    ALIGN = "align"  # no part could be found in the picture
    CAMERA = "camera"  # the camera was gone, or lost the frame itself
    MODEL = "model"  # the model gave no usable map
    OUTPUT = "output"  # judged, but an output that it must be told to is away
    SHUTDOWN = "shutdown"  # captured, but the run ended first


@dataclass(frozen=True, slots=True)
class Frame:
    """One exposure of one part."""

    index: int  # contiguous from 0 per camera; a gap means the camera lost frames
    captured_ns: int  # monotonic clock, when it was taken, as well as that is known; else when the read returned
    image: Image = field(repr=False)
    part: str = ""  # part id: the file's name in a replay, empty where the camera knows none
    run: RunIdentity | None = None  # set when the line takes the frame; `index` is then the part's number in the run

    @property
    def identity(self) -> PartIdentity:
        """Name the part that it shows."""
        return PartIdentity(self.index, self.captured_ns, self.part, self.run)


@dataclass(frozen=True, slots=True, eq=False)
class InspectionContext:
    """Which inspector judges: the same object for every part until the next changeover."""

    product: str
    recipe_hash: str
    model_hash: str
    threshold: float
    good_parts: int = 0  # how many good parts the scores are compared with: those the model was calibrated on
    find_strange: Callable[[Image], Mask] | None = field(default=None, repr=False)  # colours that no good part shows


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What the model says about one part."""

    score: float
    percentile: float = math.nan  # share of good parts it scores above, 0 to below 1; nan where that is not known
    patch_scores: PatchScores | None = field(default=None, repr=False)
    patch_boxes: Boxes | None = field(default=None, repr=False)  # where the patches lie in the image, row by row
    anomaly_map: AnomalyMap | None = field(default=None, repr=False)
    worst_place: tuple[float, float] | None = (
        None  # (x, y) of its highest point, shares of the image's width and height
    )

    @property
    def worst_patch(self) -> tuple[int, int] | None:
        """Return (row, column) of the patch with the highest score; None where the patches are not known."""
        if self.patch_scores is None:
            return None
        row, col = np.unravel_index(int(self.patch_scores.argmax()), self.patch_scores.shape)
        return int(row), int(col)


NOT_JUDGED = Judgement(math.nan)


def highest_place(anomaly_map: AnomalyMap) -> tuple[float, float]:
    """Return (x, y) of the middle of the highest value, as shares of width and height, 0 to 1."""
    y, x = np.unravel_index(int(anomaly_map.argmax()), anomaly_map.shape)
    return (float(x) + 0.5) / anomaly_map.shape[1], (float(y) + 0.5) / anomaly_map.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """One verdict on one part: which part, which inspector, and what came out.

    The properties below are shorthand for sinks, overlay and log, which need no more than they show.
    """

    identity: PartIdentity
    context: InspectionContext
    verdict: Verdict
    judgement: Judgement = NOT_JUDGED  # of a missed part, NOT_JUDGED
    latency_ms: float = math.nan  # capture to verdict; on a line, to the moment that the verdict is given out
    cause: Cause | None = None  # set exactly when the verdict is MISSED
    detail: str = ""  # the cause in words
    image: Image | None = field(default=None, repr=False)
    wait_ms: float = math.nan  # of the latency, until the part was taken to be judged
    judge_ms: float = math.nan  # of the latency, in preparation and model; what is left is the wait for its turn

    @property
    def index(self) -> int:
        """The part's number in its run."""
        return self.identity.number

    @property
    def part(self) -> str:
        """The part's name; empty where the camera knows none."""
        return self.identity.name

    @property
    def product(self) -> str:
        return self.context.product

    @property
    def threshold(self) -> float:
        return self.context.threshold

    @property
    def score(self) -> float:
        """The part's score; nan where it was missed."""
        return self.judgement.score

    @property
    def percentile(self) -> float:
        """Share of good parts it scores above; nan where it was missed."""
        return self.judgement.percentile

    @property
    def patch_scores(self) -> PatchScores | None:
        return self.judgement.patch_scores

    @property
    def anomaly_map(self) -> AnomalyMap | None:
        return self.judgement.anomaly_map

    @property
    def strange_colours(self) -> Mask | None:
        """(height, width) of `image`, True where no good part shows that colour.

        Computed anew with each use: most parts pass and are never drawn.
        """
        find = self.context.find_strange
        return find(self.image) if find and self.image is not None else None

    @property
    def percentile_in_words(self) -> str:
        """`percentile` in plain words, "scores above 99.2% of good parts"; empty where it is not known."""
        good_parts = self.context.good_parts
        if math.isnan(self.percentile):
            return ""
        if round(self.percentile * (good_parts + 1)) >= good_parts:
            return f"scores above all {good_parts} good parts"
        return f"scores above {math.floor(1000 * self.percentile) / 10:.1f}% of good parts"

    @property
    def worst_patch(self) -> tuple[int, int] | None:
        """(row, column) of the patch with the highest score; None where nothing was judged."""
        return self.judgement.worst_patch

    @property
    def worst_place(self) -> tuple[float, float] | None:
        """(x, y) of the strangest place, as shares of the image's width and height; None where nothing was judged."""
        return self.judgement.worst_place

    @property
    def anomalous_patches(self) -> int:
        """How many patches of the grid score above the threshold."""
        scores = self.judgement.patch_scores
        return 0 if scores is None else int((scores > self.threshold).sum())

    @property
    def nbytes(self) -> int:
        """What its image and map take in memory."""
        return sum(each.nbytes for each in (self.image, self.anomaly_map) if each is not None)

    def not_told(self, why: str) -> Inspection:
        """Return it as MISSED: the part was judged, but the line cannot be told."""
        return Inspection(self.identity, self.context, Verdict.MISSED, cause=Cause.OUTPUT, detail=why, image=self.image)

    def given_out(self, now_ns: int) -> Inspection:
        """Return it with its latency up to `now_ns` (monotonic); one that was not judged has none."""
        if math.isnan(self.latency_ms):
            return self
        return replace(self, latency_ms=(now_ns - self.identity.captured_ns) / 1e6)

    def without_image(self) -> Inspection:
        """Return the same verdict without the camera's image, to keep many."""
        return replace(self, image=None)

    def without_pictures(self) -> Inspection:
        """Return the same verdict without image and anomaly map."""
        return replace(self, image=None, judgement=replace(self.judgement, anomaly_map=None))


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of some patches."""

    maps: NDArray[np.float32]  # (n, h, w), 0 = as good parts look
    scores: NDArray[np.float32]  # (n)

    @classmethod
    def concatenate(cls, several: Sequence[Prediction]) -> Prediction:
        """Join several, in this order."""
        if len(several) == 1:
            return several[0]
        return cls(np.concatenate([each.maps for each in several]), np.concatenate([each.scores for each in several]))

    def relative_to(self, limits: NDArray[np.float32]) -> Prediction:
        """Return it in units of each patch's own limit (n)."""
        if (limits == 1).all():
            return self
        return Prediction(self.maps / limits[:, None, None], self.scores / limits)

    def section(self, start: int, stop: int) -> Prediction:
        """Return that of patches `start` to before `stop`."""
        return Prediction(self.maps[start:stop], self.scores[start:stop])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many frames got which verdict so far."""

    passed: int = 0
    failed: int = 0
    missed: int = 0

    @property
    def captured(self) -> int:
        return self.passed + self.failed + self.missed

    @property
    def yield_fraction(self) -> float:
        """Share of captured parts that passed; nan before the first."""
        return self.passed / self.captured if self.captured else math.nan

    def plus(self, verdict: Verdict) -> Counts:
        """Return the counts after one more verdict."""
        return Counts(
            self.passed + (verdict is Verdict.PASS),
            self.failed + (verdict is Verdict.FAIL),
            self.missed + (verdict is Verdict.MISSED),
        )


def sum_of(several: Iterable[Counts]) -> Counts:
    """Add counts up."""
    each = list(several)
    return Counts(sum(c.passed for c in each), sum(c.failed for c in each), sum(c.missed for c in each))
