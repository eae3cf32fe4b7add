"""Draw pictures of parts once for all consumers, and keep some of them in a folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Protocol

import cv2
import numpy as np

from inspector.errors import SinkError
from inspector.files import check_writable
from inspector.images import write_image
from inspector.overlay.picture import draw
from inspector.records import Counts, Image, Inspection, Verdict
from inspector.text import shortened

_logger = logging.getLogger(__name__)
NAME_LENGTH = 48  # of a part, in characters; four bytes each at most still make a name every file system takes


class PictureConsumer(Protocol):
    """Somewhere a picture can go."""

    def wants(self, inspection: Inspection) -> bool:
        """Return whether to draw this one. Asked exactly once for each inspection, in order."""

    def show(self, inspection: Inspection, picture: Image) -> None:
        """Take the picture, which others see too: it must not be changed. Raises SinkError."""

    def close(self) -> None:
        """Flush and release. Called once, at the end of the run. Raises SinkError."""


class Pictures:
    """The sink that draws: once for each inspection that a consumer wants.

    A consumer that raises SinkError is closed and gets nothing more; the line goes on, for pictures are no verdicts.
    That is told at once, and once more at the end of the run, by `close`.
    """

    def __init__(self, consumers: Sequence[PictureConsumer]) -> None:
        self._consumers = list(consumers)
        self._failures: list[_Failure] = []

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Draw and hand round."""
        for failure in self._failures:
            failure.pictures += failure.consumer.wants(inspection)
        takers = [consumer for consumer in self._consumers if consumer.wants(inspection)]
        if not takers:
            return
        picture = draw(inspection, counts)
        for taker in takers:
            try:
                taker.show(inspection, picture)
            except SinkError as error:
                self._give_up(taker, error)

    def close(self) -> None:
        """Close every consumer, also when one of them fails. Raises the first error there was."""
        with ExitStack() as stack:
            for failure in reversed(self._failures):
                stack.callback(failure.tell)
            for consumer in reversed(self._consumers):
                stack.callback(consumer.close)

    def _give_up(self, consumer: PictureConsumer, error: SinkError) -> None:
        self._consumers.remove(consumer)
        self._failures.append(_Failure(consumer, error))
        _logger.error("%s; no more pictures go there, the line goes on", error)
        try:
            consumer.close()
        except SinkError as another:
            _logger.error("%s", another)


@dataclass
class _Failure:
    """Why a consumer gets no more pictures, and how many it has missed."""

    consumer: PictureConsumer
    error: SinkError
    pictures: int = 1

    def tell(self) -> None:
        raise SinkError(f"{self.error}; {self.pictures} pictures are missing, the log has every verdict")


class OverlayFolder:
    """Saves rejects and one pass in `keep_pass_every` (0: none) as JPEG, one file each.

    Only those that still have their image: a missed frame may never have had one, and where drawing falls behind the
    line, images are let go. The names, such as `frame-00000012-fail-broken_large_003.jpg`, sort
    in the order of the run; files that exist are kept, the new one gets a suffix. Raises SinkError, at once if the
    folder cannot be made or written.
    """

    def __init__(self, folder: Path, keep_pass_every: int) -> None:
        self._folder = folder
        self._keep_pass_every = keep_pass_every
        self._passes = 0
        check_writable(folder, SinkError)

    def wants(self, inspection: Inspection) -> bool:
        if inspection.image is None:
            return False
        if inspection.verdict is not Verdict.PASS:
            return True
        self._passes += 1
        return self._keep_pass_every > 0 and (self._passes - 1) % self._keep_pass_every == 0

    def show(self, inspection: Inspection, picture: Image) -> None:
        write_image(unused_path(self._folder / f"{_stem(inspection)}.jpg"), picture)

    def close(self) -> None:
        """Do nothing: every picture is a file of its own."""


def fitted(picture: Image, width: int, height: int) -> Image:
    """Return the picture scaled down, undistorted, until it fits; a smaller one is returned as it is."""
    factor = min(width / picture.shape[1], height / picture.shape[0])
    if factor >= 1:
        return picture
    size = max(1, int(picture.shape[1] * factor)), max(1, int(picture.shape[0] * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def unused_path(path: Path) -> Path:
    """Return the path itself, or the first of `name-2`, `name-3` and so on that does not exist yet."""
    if not path.exists():
        return path
    candidates = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(candidate for candidate in candidates if not candidate.exists())


def _stem(inspection: Inspection) -> str:
    part = PurePosixPath(inspection.part.replace("\\", "/"))
    name = _file_name(str(part.parent / part.stem)) if inspection.part else ""
    return f"frame-{inspection.index:08d}-{inspection.verdict.value}-{name}".rstrip("-. ")


def _file_name(text: str) -> str:
    """Return the text without what Windows or others forbid in a file's name, and not too long."""
    return shortened("".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "_" for c in text), NAME_LENGTH)
