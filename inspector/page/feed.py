"""What one camera's line has judged lately: a sink that keeps the last inspection, and a ring of what came before."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

import cv2
import simplejpeg

from inspector.records import Cause, Counts, Image, Inspection, Verdict

KEPT = 1000  # parts
REJECTS = 4  # whose whole picture is kept
THUMB_PX = 200  # the longer side
THUMB_QUALITY = 80
THUMBS_PERIOD_NS = 100_000_000  # passes get a small picture at most so often; a fast line would pay for one each


@dataclass(frozen=True, slots=True)
class Judged:
    """One part in small."""

    number: int  # of the frame
    part: str
    utc: datetime  # of the capture, where the part belongs to a run; else when it was written here
    product: str
    verdict: Verdict
    score: float  # nan where it was missed
    threshold: float
    latency_ms: float
    words: str  # how strange it is
    cause: Cause | None
    detail: str
    written_s: float  # monotonic, when it was written here
    picture: bytes | None = field(default=None, repr=False)  # a small JPEG


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed at one moment."""

    sequence: int  # grows with each part
    last: Inspection | None
    counts: Counts
    recent: tuple[Judged, ...]  # oldest first
    rejects: tuple[Inspection, ...]  # the last few that have a picture, oldest first
    streak: int  # rejects in a row, up to now
    closed: bool


class Feed:
    """Takes every inspection of a line on its `record` thread; any thread may look. Nothing here waits for a viewer."""

    def __init__(
        self,
        name: str,
        now_ns: Callable[[], int] = time.monotonic_ns,
        utc_now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.name = name
        self.began = utc_now()  # before the first part
        self._now_ns = now_ns
        self._utc_now = utc_now
        self._lock = threading.Lock()
        self._recent: deque[Judged] = deque(maxlen=KEPT)
        self._rejects: deque[Inspection] = deque(maxlen=REJECTS)
        self._last: Inspection | None = None
        self._counts = Counts()
        self._sequence = 0
        self._streak = 0
        self._next_thumb_ns = 0
        self._closed = False

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Take one verdict."""
        judged = self._judged(inspection)
        with self._lock:
            self._recent.append(judged)
            self._last, self._counts = inspection, counts
            if inspection.verdict.reject and inspection.image is not None:
                self._rejects.append(inspection)
            self._sequence += 1
            self._streak = self._streak + 1 if inspection.verdict.reject else 0

    def close(self) -> None:
        """The run is over; what was seen stays."""
        with self._lock:
            self._closed = True

    @property
    def sequence(self) -> int:
        """Grows with each part: whether there is anything new."""
        return self._sequence

    @property
    def state(self) -> FeedState:
        """All of it, at one moment."""
        with self._lock:
            return FeedState(
                sequence=self._sequence,
                last=self._last,
                counts=self._counts,
                recent=tuple(self._recent),
                rejects=tuple(self._rejects),
                streak=self._streak,
                closed=self._closed,
            )

    def _judged(self, inspection: Inspection) -> Judged:
        identity = inspection.identity
        return Judged(
            number=inspection.index,
            part=inspection.part,
            utc=identity.run.utc_of(identity.captured_ns) if identity.run else self._utc_now(),
            product=inspection.product,
            verdict=inspection.verdict,
            score=inspection.score,
            threshold=inspection.threshold,
            latency_ms=inspection.latency_ms,
            words=inspection.percentile_in_words,
            cause=inspection.cause,
            detail=inspection.detail,
            written_s=self._now_ns() / 1e9,
            picture=self._thumb(inspection),
        )

    def _thumb(self, inspection: Inspection) -> bytes | None:
        now_ns = self._now_ns()
        due = inspection.verdict.reject or now_ns >= self._next_thumb_ns
        if inspection.image is None or not due or inspection.image.size == 0:
            return None
        self._next_thumb_ns = now_ns + THUMBS_PERIOD_NS
        return small_jpeg(inspection.image)


def small_jpeg(image: Image) -> bytes:
    """A JPEG of at most 200 px. Takes below a millisecond: most pixels are left out first."""
    step = max(1, min(image.shape[:2]) // (2 * THUMB_PX))
    coarse = image[::step, ::step]
    factor = min(1.0, THUMB_PX / max(coarse.shape[:2]))
    size = max(1, round(coarse.shape[1] * factor)), max(1, round(coarse.shape[0] * factor))
    small = cv2.resize(coarse, size, interpolation=cv2.INTER_AREA)
    return bytes(simplejpeg.encode_jpeg(small, quality=THUMB_QUALITY, colorspace="BGR"))
