"""Live pictures that must not be judged: old ones, and the same one again and again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType

import numpy as np

from inspector.cameras.base import Camera
from inspector.errors import FrameLost
from inspector.records import Cause, Frame, Image

_logger = logging.getLogger(__name__)

OLDEST_S = 0.5  # a picture that waited longer, in a buffer or on the way, shows a part that has gone by
SAME = 3  # pictures in a row, none of which differs in a single bit: no sensor is so quiet
FIRST_ROWS = 8  # compared first: they tell most pictures apart


class Fresh:
    """Another live camera, whose old and frozen pictures are lost: they raise FrameLost and keep their indices.

    Frozen are the `same`th of pictures that are alike bit by bit, and all that follow it; 0: none ever is. The part in
    the first ones was judged, for nobody could know.
    """

    live = True

    def __init__(
        self,
        camera: Camera,
        name: str = "camera",
        *,
        same: int = SAME,
        oldest_s: float = OLDEST_S,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._camera = camera
        self._name = name
        self._same = same
        self._oldest_s = oldest_s
        self._now_ns = now_ns

    def __enter__(self) -> Fresh:
        self._image: Image | None = None  # the last one
        self._repeats = 0  # pictures in a row like it, itself among them
        self._old = 0  # pictures in a row that were old
        self._camera.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._image = None
        self._camera.__exit__(kind, error, trace)

    def read(self, timeout_s: float) -> Frame | None:
        """Read the camera. Raises FrameLost also for an old or a frozen picture."""
        frame = self._camera.read(timeout_s)
        if frame is not None:
            frozen = self._is_frozen(frame.image)
            self._refuse_old(frame)
            if frozen:
                detail = f"frozen: picture {self._repeats} in a row without any difference"
                raise FrameLost(detail, cause=Cause.CAMERA, captured_ns=frame.captured_ns)
        return frame

    def _refuse_old(self, frame: Frame) -> None:
        age_s = (self._now_ns() - frame.captured_ns) / 1e9
        if age_s > self._oldest_s:
            if self._old == 0:
                _logger.warning("%s: pictures come %.1f s late; they are not judged", self._name, age_s)
            self._old += 1
            detail = f"the picture is {age_s:.1f} s old: it waited to be read"
            raise FrameLost(detail, cause=Cause.CAMERA, captured_ns=frame.captured_ns)
        if self._old:
            _logger.warning("%s: pictures come in time again, %d were too old", self._name, self._old)
        self._old = 0

    def _is_frozen(self, image: Image) -> bool:
        if not self._same:
            return False
        before, self._image = self._image, image
        if before is not None and _alike(before, image):
            self._repeats += 1
        else:
            if self._repeats >= self._same:
                _logger.warning("%s is no longer frozen, after %d pictures", self._name, self._repeats)
            self._repeats = 1
        if self._repeats == self._same:
            _logger.error(
                "%s: FROZEN: %d pictures in a row are the same; every part is rejected until another comes: "
                "restart the camera",
                self._name,
                self._same,
            )
        return self._repeats >= self._same


def _alike(one: Image, other: Image) -> bool:
    return np.array_equal(one[:FIRST_ROWS], other[:FIRST_ROWS]) and np.array_equal(one, other)
