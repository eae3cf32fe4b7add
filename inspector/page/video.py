"""The annotated view of one camera as JPEG: encoded once for all who look, and only while somebody does."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import simplejpeg

from inspector.overlay.picture import draw
from inspector.page.feed import Feed
from inspector.records import Image
from inspector.sinks.pictures import fitted

PERIOD_S = 0.125  # between two pictures: eyes see that a line moves, the line does not notice that it is watched
WIDTH_PX, HEIGHT_PX = 1280, 960
QUALITY = 80
NICENESS = 8  # a sixth of what an ordinary thread gets where both want the same core
BOUNDARY = "frame"


class Video:
    """Pictures of one feed. Its methods belong to the event loop; drawing and encoding happen on a thread that gives
    way to the line.
    """

    def __init__(self, feed: Feed, encoder: ThreadPoolExecutor) -> None:
        self._feed = feed
        self._encoder = encoder
        self._turn = asyncio.Lock()
        self._sequence = -1
        self._jpeg = b""
        self._due_s = 0.0
        self.encoded = 0  # so far: a figure to watch
        self.viewers = 0

    async def current(self) -> tuple[int, bytes]:
        """The newest picture and its part's number in the feed; empty before the first."""
        async with self._turn:
            if self._feed.sequence != self._sequence and time.monotonic() >= self._due_s:
                self._due_s = time.monotonic() + PERIOD_S
                loop = asyncio.get_running_loop()
                self._sequence, self._jpeg = await loop.run_in_executor(self._encoder, self._encode)
                self.encoded += 1
            return self._sequence, self._jpeg

    async def multipart(self) -> AsyncGenerator[bytes, None]:
        """MJPEG, until the viewer leaves. Each picture goes out twice where no other follows: Chromium shows one only
        when the next arrives.
        """
        seen, owed = -1, 0
        self.viewers += 1
        try:
            yield f"--{BOUNDARY}\r\n".encode()
            while True:
                sequence, jpeg = await self.current()
                owed = 2 if sequence != seen else owed
                if jpeg and owed:
                    seen, owed = sequence, owed - 1
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
                    yield head + jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
                await asyncio.sleep(PERIOD_S)
        finally:
            self.viewers -= 1

    def _encode(self) -> tuple[int, bytes]:
        state = self._feed.state
        if state.last is None:
            return state.sequence, b""
        picture = fitted(draw(state.last, state.counts), WIDTH_PX, HEIGHT_PX)
        return state.sequence, jpeg_of(picture)


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
