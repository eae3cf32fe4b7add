"""From the packets of a video stream to its pictures: each is seen whole, or lost.

FFmpeg conceals damage with pixels of the picture before, which on a line is the part before. So it is told to refuse
instead, and what follows a refused picture is lost as well, up to the next one that needs no other: the key frame.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, cast

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import VideoReformatter

from inspector.cameras.units import damage_finder
from inspector.errors import DataError
from inspector.jpeg import MAX_PX, decode_jpeg
from inspector.records import Cause, Image

STRICT = {"err_detect": "crccheck+bitstream+buffer+explode", "max_pixels": str(MAX_PX)}
CONCEALED = "concealing"  # how FFmpeg begins when it tells that it has patched a picture
DAMAGED = "it is damaged, or refers to one that is"
MAX_PENDING = 64  # packets whose pictures may still come; more than any codec keeps back


def _listen_to_ffmpeg() -> None:
    """Have what FFmpeg says where a camera can read it, and not on the terminal."""
    av.logging.set_level(av.logging.INFO)
    av.logging.set_skip_repeated(False)
    logger = logging.getLogger("libav")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


_listen_to_ffmpeg()  # on import, for it holds for the whole process


@dataclass(frozen=True, slots=True)
class StreamPicture:
    """One picture of a stream."""

    image: Image | None  # None: lost
    stream_s: float | None = None  # its time by the sender's clock, from any start; None where it has none
    why: str = ""  # it is lost
    cause: Cause = Cause.DECODE


class PictureDecoder(Protocol):
    """Takes the packets of a stream, in their order, and gives its pictures in the order in which they are shown."""

    def feed(self, packet: av.Packet[av.VideoStream]) -> list[StreamPicture]:
        """Return the pictures that are known after one more packet. `is_corrupt` also means: lost on the way."""

    def flush(self) -> list[StreamPicture]:
        """Return the pictures that are left at the end."""


def pictures_of(stream: av.VideoStream) -> PictureDecoder:
    """Return what turns the packets of `stream` into pictures."""
    return JpegPictures() if stream.codec_context.name == "mjpeg" else DecodedPictures(stream)


class JpegPictures:
    """Motion JPEG: each packet is a picture of its own."""

    def feed(self, packet: av.Packet[av.VideoStream]) -> list[StreamPicture]:
        try:
            return [StreamPicture(decode_jpeg(bytes(packet), "picture"), seconds(packet.pts, packet.time_base))]
        except DataError as error:
            return [StreamPicture(None, seconds(packet.pts, packet.time_base), str(error).removeprefix("picture: "))]

    def flush(self) -> list[StreamPicture]:
        return []


@dataclass(slots=True)
class _Sent:
    """A packet whose picture has not come yet."""

    number: int
    pts: int | None
    time_base: Fraction | None
    doubtful: bool  # it is damaged, or may refer to something that is
    owed: bool  # where no picture of it comes, one is lost

    @property
    def stream_s(self) -> float | None:
        return seconds(self.pts, self.time_base)

    def lost(self) -> StreamPicture:
        return StreamPicture(None, self.stream_s, DAMAGED)


class DecodedPictures:
    """Any other codec, whose pictures refer to each other."""

    def __init__(self, stream: av.VideoStream) -> None:
        self._context = _strict(stream.codec_context)
        self._is_damaged = damage_finder(self._context.name, self._context.extradata)
        self._to_bgr = VideoReformatter()  # one for all: a picture's own is made anew each time, for 2 ms
        self._sent: dict[int, _Sent] = {}
        self._count = 0
        self._begun = False  # the first key frame was there
        self._damaged = False  # since the last one
        self._key_pts: int | None = None  # of the key frame behind it; what is shown before that one is doubtful

    def feed(self, packet: av.Packet[av.VideoStream]) -> list[StreamPicture]:
        before = self._begin_anew(packet) if packet.is_keyframe and self._damaged else []
        number, self._count = self._count, self._count + 1
        self._begun |= packet.is_keyframe
        if packet.is_corrupt or self._is_damaged(bytes(packet)):
            self._damage()
        if not packet.is_discard:  # hidden on purpose
            doubtful = self._damaged or _is_before(packet.pts, self._key_pts)
            self._sent[number] = _Sent(number, packet.pts, packet.time_base, doubtful, doubtful or not self._begun)
        packet.opaque = number
        return [*before, *self._decoded(packet, number), *self._overdue()]

    def _begin_anew(self, key: av.Packet[av.VideoStream]) -> list[StreamPicture]:
        """Begin with a new decoder at the key frame behind the damage; return what the old one still gives.

        A decoder that has met an error decodes even the key frame a little wrong, also after it was flushed.
        """
        pictures = self._decoded(None, self._count)
        self._context = _strict(_like(self._context))
        self._damaged, self._key_pts = False, key.pts
        return pictures

    def _damage(self) -> None:
        """Note damage: pictures that do not come any more are lost, those that come are doubtful."""
        self._damaged = True
        for sent in self._sent.values():
            sent.owed = True

    def flush(self) -> list[StreamPicture]:
        pictures = self._decoded(None, self._count)
        return [*pictures, *self._lost(list(self._sent.values()))]

    def _decoded(self, packet: av.Packet[av.VideoStream] | None, number: int) -> list[StreamPicture]:
        try:
            with av.logging.Capture() as said:
                frames = self._context.decode(packet)
        except av.error.FFmpegError:
            self._damage()
            if number in self._sent:
                self._sent[number].doubtful = True
            return []
        if any(message.startswith(CONCEALED) for _, _, message in said):
            self._damage()
            if number in self._sent:
                self._sent[number].doubtful = True
        return [picture for frame in frames for picture in self._shown(frame)]

    def _shown(self, frame: av.VideoFrame) -> list[StreamPicture]:
        """Return the picture of a decoded frame, after those that should have come before it."""
        number = frame.opaque if isinstance(frame.opaque, int) else min(self._sent, default=-1)
        own = self._sent.pop(number, None)
        if own is None:  # FFmpeg's own, in place of one that is missing
            return []
        if frame.is_corrupt:
            self._damage()
            for sent in self._sent.values():  # by a decoder that had met an error
                sent.doubtful |= sent.number > own.number
        earlier = [sent for sent in self._sent.values() if _comes_before(sent, own, frame)]
        if own.doubtful or frame.is_corrupt:
            return [*self._lost(earlier), own.lost()]
        return [*self._lost(earlier), StreamPicture(self._pixels(frame), own.stream_s)]

    def _pixels(self, frame: av.VideoFrame) -> Image:
        """Return (height, width, 3) BGR, turned as the file says: a phone held upright films lying."""
        pixels = self._to_bgr.reformat(frame, format="bgr24").to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))

    def _overdue(self) -> list[StreamPicture]:
        return self._lost([sent for sent in self._sent.values() if sent.number < self._count - MAX_PENDING])

    def _lost(self, several: Sequence[_Sent]) -> list[StreamPicture]:
        """Give up packets whose pictures will not come. Some never have one: a codec may keep it for reference only."""
        for sent in several:
            del self._sent[sent.number]
        return [sent.lost() for sent in several if sent.owed or sent.doubtful]


def _strict(context: av.VideoCodecContext) -> av.VideoCodecContext:
    context.thread_count = 1  # n threads decode n frames at once, and so deliver each n - 1 frames late
    context.options = STRICT
    context.flags |= Flags.copy_opaque  # a picture carries its packet's number
    return context


def _like(old: av.VideoCodecContext) -> av.VideoCodecContext:
    """Return a new decoder for the same stream."""
    new = cast(av.VideoCodecContext, av.CodecContext.create(old.codec, "r"))
    new.extradata, new.codec_tag = old.extradata, old.codec_tag
    new.width, new.height = old.width, old.height
    return new


def _comes_before(sent: _Sent, own: _Sent, frame: av.VideoFrame) -> bool:
    if frame.key_frame and sent.number < own.number:  # whatever its time: FFmpeg guesses that of the first packet
        return True
    return sent.pts is not None and own.pts is not None and sent.pts < own.pts


def _is_before(pts: int | None, key_pts: int | None) -> bool:
    return pts is not None and key_pts is not None and pts < key_pts


def seconds(pts: int | None, time_base: Fraction | None) -> float | None:
    """Return a time of a stream; None where it has none."""
    return None if pts is None or time_base is None else float(pts * time_base)
