"""Replays a video file, every frame of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import cv2

from inspector.cameras.folder import Pace
from inspector.errors import CameraError, DataError, EndOfStream, FrameLost
from inspector.images import as_bgr
from inspector.records import Cause, Frame, Image

_LOOK_AHEAD = 1000  # reads behind a broken frame; keeps a nonsensical frame count from stalling the replay
_PLACEHOLDER = 1 << 24  # AVI files written to a pipe claim 2^30 frames: counts like that say nothing
_TEXT = int.from_bytes(b"ansi", "little")  # FFmpeg plays text files: it draws the letters


class VideoFile:
    """A video file (mp4, avi, mkv, gif, ...) as a camera: as fast as it is read, or at `fps`.

    A frame's part is the file's stem and the frame's number in the file: "belt#000012".
    A frame that cannot be decoded raises FrameLost, keeps its index, and the next read goes on behind it.
    """

    live = False

    def __init__(
        self,
        path: Path | str,
        fps: float | None = None,
        loop: bool = False,
        now_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(path)
        self._fps = fps
        self._loop = loop
        self._now_ns = now_ns
        self._wait = wait
        self._decoder: _Decoder | None = None  # None while closed

    def __enter__(self) -> VideoFile:
        self._decoder = _Decoder(self._path)
        self._pace = Pace(self._fps, self._now_ns, self._wait)
        self._index = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if it is not due within `timeout_s`.

        Raises FrameLost for a frame that cannot be decoded, EndOfStream behind the last one.
        """
        if self._decoder is None:
            raise CameraError(f"{self._path}: read() before it was opened")
        if not self._decoder.more() and not self._loop:
            raise EndOfStream(f"{self._path}: all {self._decoder.position} frames were replayed")
        if not self._pace.due(self._index, timeout_s):
            return None
        return self._next(self._decoder if self._decoder.more() else self._rewound(self._decoder))

    def _next(self, decoder: _Decoder) -> Frame:
        index, self._index = self._index, self._index + 1
        part = f"{self._path.stem}#{decoder.position:06d}"
        image = decoder.take()
        if image is None:
            raise FrameLost(f"{part}: cannot be decoded", part=part, cause=Cause.DECODE)
        return Frame(index, self._now_ns(), image, part)

    def _rewound(self, decoder: _Decoder) -> _Decoder:
        decoder.close()
        self._decoder = _Decoder(self._path)  # opened anew: seeking is not exact in every container
        return self._decoder


class _Decoder:
    """The frames of a video file, one after the other; raises CameraError when it is none.

    How many frames are lost is a fact only in two cases, and only these are reported: a frame that failed although
    a later one could be had, and a container that counts its frames but ends early. An AVI counts them in its header.
    MP4 does as well, but its edit list may hide frames on purpose (a trimmed phone video), so its count is taken for
    exact only where the file itself was cut short. Everywhere else the count is an estimate from the duration.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = _open(path)
        self.position = 0  # of the next frame
        self._lost = 0  # frames from here that are known to be lost
        self._ahead: Image | None = None  # the frame behind those
        self._declared = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._exact = self._declared < _PLACEHOLDER and _counts_its_frames(path)
        if not self.more():
            self.close()
            raise CameraError(f"{path}: no frame can be decoded; record it again or convert it to MP4")

    def close(self) -> None:
        self._capture.release()

    def more(self) -> bool:
        """Whether another frame follows, decoded or lost. Decodes it where that is not yet known."""
        if self._ahead is None and not self._lost:
            self._look_ahead()
        return self._ahead is not None or self._lost > 0

    def take(self) -> Image | None:
        """The next frame as (height, width, 3) BGR; None for a lost one."""
        self.position += 1
        if self._lost:
            self._lost -= 1
            return None
        image, self._ahead = self._ahead, None
        return image

    def _look_ahead(self) -> None:
        failed = 0
        missing = max(self._declared - self.position, 0)
        self._ahead = self._grab()
        # behind a broken frame decoding may go on; behind the end it fails as often as it is tried
        while self._ahead is None and failed < min(missing, _LOOK_AHEAD):
            failed += 1
            self._ahead = self._grab()
        if self._ahead is not None:
            self._lost = failed
        elif self._exact:
            self._lost = missing

    def _grab(self) -> Image | None:
        done, pixels = self._capture.read()
        try:
            return as_bgr(pixels, str(self._path)) if done else None
        except DataError as error:
            raise CameraError(str(error)) from error


def _open(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise CameraError(f"{path}: no such file")
    # FFmpeg alone: the other backends take "part01.png" for a sequence of numbered images
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened() or int(capture.get(cv2.CAP_PROP_FOURCC)) == _TEXT:
        raise CameraError(f"{path}: not a video, or a broken one; record it again or convert it to MP4")
    return capture


def _counts_its_frames(path: Path) -> bool:
    """Whether the frame count of a container says how many frames there must be (see _Decoder)."""
    with path.open("rb") as file:
        head = file.read(12)
    return (head[:4] == b"RIFF" and head[8:] == b"AVI ") or (head[4:8] == b"ftyp" and _mp4_is_cut_short(path))


def _mp4_is_cut_short(path: Path) -> bool:
    """Whether one of the boxes that an MP4 or MOV file consists of reaches beyond its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            start = file.tell()
            length = int.from_bytes(file.read(4), "big")
            file.read(4)  # the box's name
            if length == 0:  # up to the end of the file
                return False
            length = int.from_bytes(file.read(8), "big") if length == 1 else length
            file.seek(start + max(length, 8))
        return file.tell() > size
