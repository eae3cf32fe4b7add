"""Replays a folder of images, as fast as it is read or at the pace of a line."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from inspector.errors import CameraError, DataError, EndOfStream, FrameLost
from inspector.images import find_images, read_image
from inspector.records import Cause, Frame


class Pace:
    """When the frames of a replay are due: frame k not before start + k / fps, so errors do not add up.

    The start is the first time it is asked: warming up the model is not the line's time.
    """

    def __init__(
        self,
        fps: float | None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fps = fps
        self._now_ns = now_ns
        self._wait = wait
        self._start_ns: int | None = None

    def due(self, index: int, timeout_s: float) -> bool:
        """Wait until frame `index` is due, at most `timeout_s`; whether it is."""
        if self._fps is None:
            return True
        if self._start_ns is None:
            self._start_ns = self._now_ns()
        ahead_s = (self._start_ns + index * 1e9 / self._fps - self._now_ns()) / 1e9
        if ahead_s > 0:
            self._wait(min(ahead_s, timeout_s))
        return ahead_s <= timeout_s


class FolderReplay:
    """A folder of images (or a single image file) as a camera, in natural order, one frame per file.

    A frame's part is its path below the folder. A file that cannot be read is a lost frame: it raises FrameLost,
    keeps its index, and the next read goes on behind it.
    """

    live = False

    def __init__(
        self,
        folder: Path | str,
        fps: float | None = None,
        loop: bool = False,
        now_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(folder)
        self._fps = fps
        self._loop = loop
        self._now_ns = now_ns
        self._wait = wait
        self._files: list[Path] = []  # empty while closed

    def __enter__(self) -> FolderReplay:
        try:
            self._files = [self._path] if self._path.is_file() else find_images(self._path)
        except DataError as error:
            raise CameraError(str(error)) from error
        self._pace = Pace(self._fps, self._now_ns, self._wait)
        self._index = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files = []

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next file's frame, or None if it is not due within `timeout_s`.

        Raises FrameLost for an unreadable file, EndOfStream behind the last one.
        """
        if not self._files:
            raise CameraError(f"{self._path}: read() before it was opened")
        if self._index >= len(self._files) and not self._loop:
            raise EndOfStream(f"{self._path}: all {len(self._files)} images were replayed")
        if not self._pace.due(self._index, timeout_s):
            return None
        return self._next()

    def _next(self) -> Frame:
        index, self._index = self._index, self._index + 1
        file = self._files[index % len(self._files)]
        part = file.name if file == self._path else file.relative_to(self._path).as_posix()
        try:
            image = read_image(file)
        except DataError as error:
            raise FrameLost(str(error), part=part, cause=Cause.DECODE) from error
        return Frame(index, self._now_ns(), image, part)
