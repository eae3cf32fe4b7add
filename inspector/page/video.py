"""The annotated view of one camera as JPEG: encoded once for all who look, and only while somebody does."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import simplejpeg

from inspector.overlay.picture import draw
from inspector.page.feed import Feed
from inspector.records import Image

PERIOD_S = 0.2  # between two pictures: eyes see that a line moves, the line does not notice that it is watched
WIDTH_PX, HEIGHT_PX = 960, 720
QUALITY = 80
NICENESS = 8  # a sixth of what an ordinary thread gets where both want the same core
REST = 3.0  # after each picture, in times of its processor time: all cameras together take a quarter of a core at most
BOUNDARY = "frame"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of the view."""

    sequence: int = -1  # of its part in the feed
    jpeg: bytes = field(default=b"", repr=False)  # empty before the first part
    text: str = field(default="", repr=False)  # the same in base64, for streams of text


class Video:
    """Pictures of one feed. Its methods belong to the event loop; drawing and encoding happen on a thread that gives
    way to the line.
    """

    def __init__(self, feed: Feed, encoder: ThreadPoolExecutor) -> None:
        self._feed = feed
        self._encoder = encoder
        self._turn = asyncio.Lock()
        self._shot = Shot()
        self._beat = -1
        self.encoded = 0  # so far: a figure to watch

    async def current(self) -> Shot:
        """The newest picture, encoded only where there was none of this part, and not too soon after the last."""
        async with self._turn:
            now = beat()
            if self._feed.sequence != self._shot.sequence and now != self._beat:
                loop = asyncio.get_running_loop()
                self._shot = await loop.run_in_executor(self._encoder, self._encode)
                self._beat = now  # not before: a viewer who leaves meanwhile takes the picture along
                self.encoded += 1
            return self._shot

    async def multipart(self) -> AsyncGenerator[bytes, None]:
        """MJPEG, until the viewer leaves. Each picture goes out twice where no other follows: Chromium shows one only
        when the next arrives.
        """
        seen, owed = -1, 0
        yield f"--{BOUNDARY}\r\n".encode()
        while True:
            shot = await self.current()
            owed = 2 if shot.sequence != seen else owed
            if shot.jpeg and owed:
                seen, owed = shot.sequence, owed - 1
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(shot.jpeg)}\r\n\r\n".encode()
                yield head + shot.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
            await next_beat()

    def _encode(self) -> Shot:
        state, started_s = self._feed.state, time.thread_time()
        if state.last is None:
            return Shot(state.sequence)
        jpeg = jpeg_of(_shrunk(draw(state.last, state.counts), WIDTH_PX, HEIGHT_PX))
        shot = Shot(state.sequence, jpeg, base64.b64encode(jpeg).decode("ascii"))
        time.sleep(REST * (time.thread_time() - started_s))
        return shot


def beat() -> int:
    """The number of the present period: what is sent is made at most once in each."""
    return int(time.monotonic() / PERIOD_S)


async def next_beat() -> None:
    """Wait for the next period. It is the same for all viewers: a thread that wakes ten times in a period, each time
    at Python's lock, would hold up the line more than one that wakes once.
    """
    await asyncio.sleep(PERIOD_S - time.monotonic() % PERIOD_S)


def jpeg_of(picture: Image, quality: int = QUALITY) -> bytes:
    """(height, width, 3) BGR as a JPEG file."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(picture), quality=quality, colorspace="BGR"))


def make_encoder() -> ThreadPoolExecutor:
    """One thread for the pictures of all cameras."""
    return ThreadPoolExecutor(1, thread_name_prefix="page-encoder", initializer=give_way)


def give_way() -> None:
    """Let the line have the cores first, where the system knows priorities of single threads. Not as far as work in the
    background: what people see must not be seconds old on a busy machine.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _shrunk(picture: Image, width: int, height: int) -> Image:
    """Return it at most so large, its proportions kept. In two steps, a whole factor and the rest: seven times faster
    than an exact mean over each pixel's area, and as good for the eye.
    """
    factor = max(picture.shape[1] / width, picture.shape[0] / height)
    if factor <= 1:
        return picture
    size = round(picture.shape[1] / factor), round(picture.shape[0] / factor)
    if whole := int(factor) if factor >= 2 else 0:
        coarse = picture.shape[1] // whole, picture.shape[0] // whole
        picture = np.asarray(cv2.resize(picture, coarse, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
