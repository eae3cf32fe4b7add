"""Network cameras: by address (RTSP, HTTP)."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType

import av

from inspector.cameras.decoding import JpegPictures, PictureDecoder, StreamPicture, pictures_of, seconds
from inspector.cameras.device import camera_name
from inspector.cameras.times import ArrivalTimes, Gaps, SenderTimes
from inspector.errors import CameraError, CameraLost, FrameLost
from inspector.records import Cause, Frame

OPTIONS = {
    "rtsp_flags": "prefer_tcp",  # over UDP, packets get lost
    "fpsprobesize": "0",  # else a second goes by in which FFmpeg measures the rate, and pictures pile up
}
LOST_ON_THE_WAY = re.compile(r"RTP: missed|RTP/JPEG packets? missing")  # how FFmpeg says it

MOST_WAITING = 100_000_000  # bytes of pictures that were kept for us; what goes beyond is old
MISSING = StreamPicture(None, why="it never arrived", cause=Cause.CAMERA)
OLD = StreamPicture(None, why="it waited to be read", cause=Cause.CAMERA)


class NetworkCamera:
    """A camera by address (rtsp://, rtsps://, http://, https://).

    A frame that is damaged, or refers to one that is, raises FrameLost and keeps its index. Where frames refer to each
    other, those before the first whole one are not counted for `open_timeout_s`: a stream is entered somewhere.
    """

    live = True

    def __init__(
        self,
        address: str,
        *,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 5.0,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = address
        self._name = camera_name(address)
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._now_ns = now_ns
        self._stream: _Stream | None = None  # None while closed

    def __enter__(self) -> NetworkCamera:
        opened_ns = self._now_ns()
        try:
            self._stream = _Stream(self._address, self._timeouts_s, opened_ns, self._now_ns)
        except (av.error.FFmpegError, OSError, ValueError):
            advice = "check address, password and network"
            raise CameraError(f"{self._name}: cannot be opened; {advice}") from None
        self._waiting: deque[tuple[StreamPicture, int]] = deque()
        self._entered_ns = opened_ns + (round(self._timeouts_s[0] * 1e9) if self._stream.needs_a_key else 0)
        self._index = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame; waits for it up to the camera's own `read_timeout_s`, then takes it for gone.

        FFmpeg gives a stream up where it waits in vain, so `timeout_s` is not used and None never returned.
        Raises FrameLost for a frame that is not whole, CameraLost when none comes.
        """
        if self._stream is None:
            raise CameraError(f"{self._name}: read() before it was opened")
        self._fill(self._stream)
        picture, arrived_ns = self._waiting.popleft()
        index, self._index = self._index, self._index + 1
        taken_ns = self._stream.times.taken_ns(picture.stream_s, arrived_ns)
        if picture.image is None:
            detail = f"{self._name}: a picture is lost: {picture.why}"
            raise FrameLost(detail, cause=picture.cause, captured_ns=taken_ns)
        return Frame(index, taken_ns, picture.image)

    def _fill(self, stream: _Stream) -> None:
        """Fill the queue; at first with all pictures that were kept for us, or their age would not be known."""
        try:
            while not self._waiting or not stream.times.caught_up:
                self._receive(stream)
        except (StopIteration, av.error.FFmpegError, OSError):
            self._waiting.extend((picture, self._now_ns()) for picture in stream.rest())
            if not self._waiting:
                raise CameraLost(f"{self._name}: delivers no more frames; check cable and power") from None

    def _receive(self, stream: _Stream) -> None:
        received, arrived_ns = stream.receive()
        for picture in received:
            if picture.image is not None or self._index or self._waiting or arrived_ns >= self._entered_ns:
                self._waiting.append((picture, arrived_ns))
        self._bound()

    def _bound(self) -> None:
        """Let go of the oldest pictures where they are too many."""
        room = MOST_WAITING
        for number, (picture, arrived_ns) in reversed(list(enumerate(self._waiting))):
            room -= 0 if picture.image is None else picture.image.nbytes
            if room < 0:
                self._waiting[number] = (OLD, arrived_ns)


class _Stream:
    """The pictures of an address and when they were taken. Raises FFmpegError or OSError where it fails."""

    def __init__(
        self, address: str, timeouts_s: tuple[float, float], opened_ns: int, now_ns: Callable[[], int]
    ) -> None:
        self._now_ns = now_ns
        with av.logging.Capture():
            self._container = av.open(address, options=OPTIONS, timeout=timeouts_s)
        try:
            stream = self._container.streams.video[0]
        except IndexError:
            self.close()
            raise ValueError("no video") from None
        self._packets: Iterator[av.Packet[av.VideoStream]] = self._container.demux(stream)
        self._pictures: PictureDecoder = pictures_of(stream)
        self.needs_a_key = not isinstance(self._pictures, JpegPictures)
        self._gaps = Gaps()
        self.times: SenderTimes | ArrivalTimes = ArrivalTimes()
        if self._container.format.name == "rtsp":
            self.times = SenderTimes(opened_ns, held_back=self.needs_a_key)

    def close(self) -> None:
        self._container.close()

    def rest(self) -> list[StreamPicture]:
        """Return what is known at the end of the stream."""
        return self._pictures.flush()

    def receive(self) -> tuple[list[StreamPicture], int]:
        """Wait for a packet; the pictures that are known now, and when it arrived."""
        asked_ns = self._now_ns()
        with av.logging.Capture() as said:
            packet = next(self._packets)
        arrived_ns = self._now_ns()  # after the wait, which belongs to the line and not to the inspection
        if not packet.size:  # the stream has ended
            raise StopIteration
        lost = any(LOST_ON_THE_WAY.match(message) for _, _, message in said)
        packet.is_corrupt |= lost
        stream_s = seconds(packet.pts, packet.time_base)
        self.times.note(stream_s, asked_ns, arrived_ns)
        missing = [MISSING] * self._gaps.note(stream_s, lost)
        return [*missing, *self._pictures.feed(packet)], arrived_ns
