"""Replays a video file, every frame of it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import av

from inspector.cameras.decoding import StreamPicture, pictures_of
from inspector.cameras.folder import Pace
from inspector.errors import CameraError, EndOfStream, FrameLost
from inspector.records import Cause, Frame

UNCHECKED = ("hevc", "vp8", "vp9", "av1", "libdav1d")  # whose decoders make a picture of anything
ADVICE = "damage in this kind of video is not always noticed; record H.264 or MJPEG"

_logger = logging.getLogger(__name__)

_PLACEHOLDER = 1 << 24  # AVI files written to a pipe claim 2^30 frames: counts like that say nothing
_TEXT = "ansi"  # FFmpeg plays text files: it draws the letters
_MISSING = StreamPicture(None, why="the file ends before it")


class VideoFile:
    """A video file (mp4, avi, mkv, gif, ...) as a camera: as fast as it is read, or at `fps`.

    A frame's part is the file's stem and the frame's number in the file: "belt#000012".
    A frame that is damaged, or refers to one that is, raises FrameLost, keeps its index, and the next read goes on
    behind it.
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
        self._reader: _Reader | None = None  # None while closed

    def __enter__(self) -> VideoFile:
        self._reader = _Reader(self._path)
        self._pace = Pace(self._fps, self._now_ns, self._wait)
        self._index = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if it is not due within `timeout_s`.

        Raises FrameLost for a frame that cannot be decoded, EndOfStream behind the last one.
        """
        if self._reader is None:
            raise CameraError(f"{self._path}: read() before it was opened")
        if not self._reader.more() and not self._loop:
            raise EndOfStream(f"{self._path}: all {self._reader.position} frames were replayed")
        if not self._pace.due(self._index, timeout_s):
            return None
        return self._next(self._reader if self._reader.more() else self._rewound(self._reader))

    def _next(self, reader: _Reader) -> Frame:
        index, self._index = self._index, self._index + 1
        part = f"{self._path.stem}#{reader.position:06d}"
        picture = reader.take()
        if picture.image is None:
            raise FrameLost(f"{part}: cannot be decoded: {picture.why}", part=part, cause=Cause.DECODE)
        return Frame(index, self._now_ns(), picture.image, part)

    def _rewound(self, reader: _Reader) -> _Reader:
        reader.close()
        self._reader = _Reader(self._path)  # opened anew: seeking is not exact in every container
        return self._reader


class _Reader:
    """The pictures of a video file, one after the other; raises CameraError when it is none.

    Pictures that the file declares and does not have are lost. An AVI counts them in its header. MP4 does as well, but
    its edit list may hide frames on purpose (a trimmed phone video), so its count is taken for exact only where the
    file itself was cut short. Everywhere else the count is an estimate from the duration.
    """

    def __init__(self, path: Path) -> None:
        self.position = 0  # of the next frame
        self._container = _open(path)
        stream = self._container.streams.video[0]
        if stream.codec_context.name in UNCHECKED:
            _logger.warning("%s: %s: %s", path, stream.codec_context.name, ADVICE)
        exact = stream.frames < _PLACEHOLDER and _counts_its_frames(path)
        self._pictures = _pictures(self._container, stream, stream.frames if exact else 0)
        self._ahead: deque[StreamPicture] = deque()
        if not self._any():
            self.close()
            raise CameraError(f"{path}: no frame can be decoded; record it again or convert it to MP4")

    def close(self) -> None:
        self._container.close()

    def more(self) -> bool:
        """Return whether another frame follows, decoded or lost. Decodes it where that is not yet known."""
        if not self._ahead:
            self._ahead.extend(picture for picture in [next(self._pictures, None)] if picture)
        return bool(self._ahead)

    def take(self) -> StreamPicture:
        """Return the next frame."""
        self.position += 1
        return self._ahead.popleft()

    def _any(self) -> bool:
        """Return whether any picture can be decoded. Reads up to the first."""
        for picture in self._pictures:
            self._ahead.append(picture)
            if picture.image is not None:
                return True
        return False


def _pictures(container: av.container.InputContainer, stream: av.VideoStream, declared: int) -> Iterator[StreamPicture]:
    """Yield all pictures, and lost ones up to the declared number."""
    pictures = pictures_of(stream)
    count = 0
    for packet in _packets(container, stream):
        for picture in pictures.feed(packet):
            count += 1
            yield picture
    for picture in pictures.flush():
        count += 1
        yield picture
    for _ in range(count, declared):
        yield _MISSING


def _packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet[av.VideoStream]]:
    """Yield the packets up to the end, or to where the file cannot be read any further."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except av.error.FFmpegError:
        return


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise CameraError(f"{path}: no such file")
    try:
        container = av.open(f"file:{path}")
    except (av.error.FFmpegError, OSError, ValueError):
        container = None
    if container is None or not container.streams.video or container.streams.video[0].codec_context.name == _TEXT:
        raise CameraError(f"{path}: not a video, or a broken one; record it again or convert it to MP4")
    return container


def _counts_its_frames(path: Path) -> bool:
    """Return whether the frame count of a container says how many frames there must be (see _Reader)."""
    with path.open("rb") as file:
        head = file.read(12)
    return (head[:4] == b"RIFF" and head[8:] == b"AVI ") or (head[4:8] == b"ftyp" and _mp4_is_cut_short(path))


def _mp4_is_cut_short(path: Path) -> bool:
    """Return whether one of the boxes that an MP4 or MOV file consists of reaches beyond its end."""
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
