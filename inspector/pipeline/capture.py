"""Read the camera: number the frames of the run, and account for every one that is lost on the way.

Thread: `Capture.run` runs on "line-capture".
"""

from __future__ import annotations

import dataclasses

import numpy as np

from inspector.cameras.base import Camera
from inspector.channel import Channel
from inspector.errors import EndOfStream, FrameLost
from inspector.identity import PartIdentity
from inspector.pipeline.ledger import PendingFrame
from inspector.pipeline.run import RunState
from inspector.pipeline.watchdog import Stage
from inspector.records import Cause, Frame, Image, Inspection

READ_TIMEOUT_S = 0.2  # how soon capture notices a stop
SKIPPED = "the camera skipped a frame"
QUEUE_FULL = "queue full: parts arrive faster than they can be inspected"
LARGEST_GAP = 10_000  # frames lost at once; a camera whose count jumps further has a wrong count


class Capture:
    """Reads the camera into `frames`; announces each frame, and each that is lost, in `verdicts`."""

    def __init__(
        self,
        camera: Camera,
        frames: Channel[Frame],
        verdicts: Channel[PendingFrame | Inspection],
        run: RunState,
    ) -> None:
        self._camera = camera
        self._frames = frames
        self._verdicts = verdicts
        self._run = run
        self._index = 0  # the next frame's, in the run
        self._expected = 0  # the next frame's, by the camera's own count

    def run(self, stage: Stage) -> None:
        """Read until the end, or a stop. Raises what the camera raises."""
        with stage.doing("opening the camera"):
            camera = self._camera.__enter__()
        try:
            self._announce()
            while not self._run.stopping and self._step(stage, camera):
                pass
        finally:
            with stage.doing("closing the camera"):
                camera.__exit__(None, None, None)

    def _announce(self) -> None:
        inspector = self._run.inspector
        recipe, provider = inspector.recipe, inspector.detector.provider
        self._run.log.info("inspecting %s, recipe %s, on %s", recipe.product, recipe.hash, provider)

    def _step(self, stage: Stage, camera: Camera) -> bool:
        """Read once; return whether there may be more."""
        try:
            with stage.doing("reading the camera"):
                frame = camera.read(READ_TIMEOUT_S)
        except EndOfStream:
            return False
        except FrameLost as lost:
            self._expected += 1
            self._lost(lost.cause, str(lost), lost.part, lost.captured_ns)
            return True
        if frame is not None:
            self._take(frame)
        return True

    def _take(self, frame: Frame) -> None:
        gap = frame.index - self._expected
        if gap > LARGEST_GAP:  # how many were lost, if any, cannot be known
            self._run.log.warning("the camera's count jumped from %d to %d", self._expected, frame.index)
            self._lost(Cause.CAMERA, f"the camera's count jumped by {gap}")
            gap = 0
        for _ in range(gap):
            self._lost(Cause.CAMERA, SKIPPED)
        self._expected = frame.index + 1
        if not _is_bgr(frame.image):
            self._lost(Cause.DECODE, "not an image of 8-bit BGR pixels", frame.part, frame.captured_ns)
            return
        frame = dataclasses.replace(frame, index=self._number(), run=self._run.identity)
        self._verdicts.put_unbounded(PendingFrame(frame.identity, self._run.inspector))
        dropped = self._frames.put(frame)
        while dropped is not None:
            self._drop(dropped)
            dropped = self._frames.shed()

    def _drop(self, frame: Frame) -> None:
        """Miss a frame that had no room: the oldest that waited, or after a stop the new one."""
        late = self._run.stopping
        cause, detail = (Cause.SHUTDOWN, "the run ended first") if late else (Cause.OVERFLOW, QUEUE_FULL)
        # Where the sinks cannot keep up they get the bare verdict: the pictures would pile up without bound.
        image = None if self._verdicts.full else frame.image
        self._verdicts.put_unbounded(self._run.inspector.missed(frame.identity, cause, detail, image))

    def _lost(self, cause: Cause, detail: str, part: str = "", captured_ns: int | None = None) -> None:
        noticed_ns = self._run.now_ns() if captured_ns is None else captured_ns
        identity = PartIdentity(self._number(), noticed_ns, part, self._run.identity)
        self._verdicts.put_unbounded(self._run.inspector.missed(identity, cause, detail))

    def _number(self) -> int:
        """Count one more frame; return its number."""
        self._run.stats.capture()
        index, self._index = self._index, self._index + 1
        return index


def _is_bgr(image: Image) -> bool:
    """Return whether it is what every camera promises: a driver may hand out anything, also nothing."""
    return (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.size > 0
    )
