"""What crosses the stages: frames in, inspections out. Pure data, no behaviour beyond derived values."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (height, width, 3) BGR
Patches = NDArray[np.uint8]  # (n, patch, patch, 3) BGR
Mask = NDArray[np.bool_]  # (height, width)
AnomalyMap = NDArray[np.float32]  # (height', width'), 0 = as good parts look, higher is stranger
PatchScores = NDArray[np.float32]  # (rows, cols), one score per patch of the grid
Boxes = NDArray[np.int32]  # (n, 4): top, left, bottom, right in pixels, the last two exclusive


class Verdict(enum.Enum):
    """What the line is told about one frame."""

    PASS = "pass"
    FAIL = "fail"
    MISSED = "missed"  # captured but never judged; the line must treat it as FAIL

    @property
    def reject(self) -> bool:
        return self is not Verdict.PASS


class Cause(enum.Enum):
    """Why a frame was missed."""

    OVERFLOW = "overflow"  # evicted: the line was faster than the inspection
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


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """One verdict on one frame, with everything the log and the overlay need."""

    index: int  # contiguous from 0 per run
    part: str
    verdict: Verdict
    product: str
    recipe_hash: str
    model_hash: str
    threshold: float
    score: float = math.nan  # the part's; nan where it was missed
    percentile: float = math.nan  # share of good parts it scores above, 0 to below 1; nan where it was missed
    good_parts: int = 0  # how many good parts it was compared with: those the model was calibrated on
    patch_scores: PatchScores | None = field(default=None, repr=False)
    patch_boxes: Boxes | None = field(default=None, repr=False)  # where the patches lie in `image`, row by row
    latency_ms: float = math.nan  # capture to verdict
    cause: Cause | None = None  # set exactly when the verdict is MISSED
    detail: str = ""  # the cause in words
    image: Image | None = field(default=None, repr=False)
    anomaly_map: AnomalyMap | None = field(default=None, repr=False)
    find_strange: Callable[[Image], Mask] | None = field(default=None, repr=False)  # see strange_colours

    @property
    def strange_colours(self) -> Mask | None:
        """(height, width) of `image`, True where no good part shows that colour. Looked up anew by whoever asks: most
        parts pass and are never drawn.
        """
        return self.find_strange(self.image) if self.find_strange and self.image is not None else None

    @property
    def percentile_in_words(self) -> str:
        """`percentile` in plain words, "scores above 99.2% of good parts"; empty where it is not known."""
        if math.isnan(self.percentile):
            return ""
        if round(self.percentile * (self.good_parts + 1)) >= self.good_parts:
            return f"scores above all {self.good_parts} good parts"
        return f"scores above {math.floor(1000 * self.percentile) / 10:.1f}% of good parts"

    @property
    def worst_patch(self) -> tuple[int, int] | None:
        """(row, column) of the patch with the highest score; None where nothing was judged."""
        if self.patch_scores is None:
            return None
        row, col = np.unravel_index(int(self.patch_scores.argmax()), self.patch_scores.shape)
        return int(row), int(col)

    @property
    def anomalous_patches(self) -> int:
        """How many patches of the grid score above the threshold."""
        return 0 if self.patch_scores is None else int((self.patch_scores > self.threshold).sum())

    @property
    def nbytes(self) -> int:
        """What its pictures take in memory."""
        return sum(each.nbytes for each in (self.image, self.anomaly_map) if each is not None)

    def not_told(self, why: str) -> Inspection:
        """A part that was judged in vain: the line cannot be told."""
        return dataclasses.replace(
            self,
            verdict=Verdict.MISSED,
            cause=Cause.OUTPUT,
            detail=why,
            score=math.nan,
            percentile=math.nan,
            patch_scores=None,
            anomaly_map=None,
            latency_ms=math.nan,
        )

    def without_pictures(self) -> Inspection:
        """The same verdict without what has the picture's size, to keep many."""
        return dataclasses.replace(self, image=None, find_strange=None)


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
        """The counts after one more verdict."""
        return Counts(
            self.passed + (verdict is Verdict.PASS),
            self.failed + (verdict is Verdict.FAIL),
            self.missed + (verdict is Verdict.MISSED),
        )
