"""The run as a video, one picture per part."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import cv2
import numpy as np

from inspector.errors import SinkError
from inspector.files import check_writable
from inspector.records import Image, Inspection
from inspector.sinks.pictures import fitted, unused_path

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}  # the ones that OpenCV's own wheels can encode on every system

FRAMES_HELD = 4
INDEX_BYTES = 32  # for each frame
SPARE_BYTES = 1 << 18  # others write to the disk, too


class VideoWriter:
    """Writes every picture as one frame of an .mp4 (MPEG-4) or .avi (Motion JPEG) file at `fps`.

    The first real picture fixes the size of the frames, which is even in both directions because codecs want that;
    pictures of another size are fitted into it between black bars. Missed frames without an image are left out
    until then. A file that exists is kept: the new one gets a suffix, see `path`. Raises SinkError, at once when the
    file cannot be written, when its disk is nearly full, and at the end when it does not hold every frame. A video ends
    before its disk does: its index, which comes last, must have room, or nothing could be played.
    """

    def __init__(self, path: Path, fps: float) -> None:
        if path.suffix.lower() not in CODECS:
            raise SinkError(f"{path}: cannot write this kind of video: name it .mp4 or .avi")
        if not (math.isfinite(fps) and fps > 0):
            raise SinkError(f"{path}: fps is {fps}, wanted a number above 0")
        check_writable(path.parent, SinkError)
        self.path = unused_path(path)
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (64, 64)  # width, height; this one only tries whether a video can be written here at all
        self._frames = 0
        self._open().release()

    def wants(self, inspection: Inspection) -> bool:
        return self._writer is not None or inspection.image is not None

    def show(self, inspection: Inspection, picture: Image) -> None:
        if self._writer is None:
            height, width = picture.shape[:2]
            self._size = width + width % 2, height + height % 2
            self._writer = self._open()
        self._check_room()
        self._writer.write(_letterboxed(picture, *self._size))
        self._frames += 1

    def close(self) -> None:
        if self._writer is None:
            self.path.unlink(missing_ok=True)
            return
        self._writer.release()
        if self._frames == 0:
            self.path.unlink(missing_ok=True)
            return
        self._check_complete()

    def _open(self) -> cv2.VideoWriter:
        code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        writer = cv2.VideoWriter(str(self.path), code, self._fps, self._size)
        if not writer.isOpened():
            width, height = self._size
            raise SinkError(
                f"{self.path}: cannot write a video of {width}x{height} px here: check folder, rights and size"
            )
        return writer

    def _check_room(self) -> None:
        """Check that there is room for what the encoder holds back (a few frames at their largest) and the index."""
        width, height = self._size
        wanted = FRAMES_HELD * 3 * width * height + INDEX_BYTES * self._frames + SPARE_BYTES
        if shutil.disk_usage(self.path.parent).free < wanted:
            raise SinkError(f"{self.path}: its disk is nearly full: the video ends after {self._frames} frames")

    def _check_complete(self) -> None:
        """Look at what has become of the file: OpenCV does not say when a frame could not be written."""
        video = cv2.VideoCapture(str(self.path))
        frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if frames != self._frames:
            raise SinkError(f"{self.path}: only {frames} of {self._frames} frames were written: is its disk full?")


def _letterboxed(picture: Image, width: int, height: int) -> Image:
    """Return the picture in the middle of a frame of this size, scaled down where it is larger, never distorted."""
    inner = fitted(picture, width, height)
    top, left = (height - inner.shape[0]) // 2, (width - inner.shape[1]) // 2
    bottom, right = height - inner.shape[0] - top, width - inner.shape[1] - left
    framed = cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    return np.asarray(framed, np.uint8)
