"""Pictures of good parts, taken one by one into a folder that training reads. What was taken before is left out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.cameras.base import Camera
from inspector.errors import EndOfStream, FrameLost, InspectorError
from inspector.images import IMAGE_SUFFIXES, find_images, read_image, write_image
from inspector.page.feed import Feed, small_jpeg
from inspector.page.video import give_way
from inspector.records import Frame, Image

READ_S = 0.25
LOOK_S = 0.01  # between two looks at a feed
SIDE = 32  # px: pictures are compared at this size, where a sensor's noise is averaged out
ALIKE = 0.6  # levels of 0 to 255, root mean square: two pictures of one part that lies still differ by less


class FeedCamera:
    """The parts of a running line as a camera: what it judges next is read next. A fast line is not read in full."""

    live = True

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._seen = feed.sequence

    def __enter__(self) -> FeedCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def read(self, timeout_s: float) -> Frame | None:
        """The newest part that has not been read and has a picture. Raises EndOfStream when the line has ended."""
        until_s = time.monotonic() + timeout_s
        while self._feed.sequence == self._seen:
            if self._feed.state.closed:
                raise EndOfStream("the line has ended")
            if time.monotonic() >= until_s:
                return None
            time.sleep(LOOK_S)
        state = self._feed.state
        self._seen, last = state.sequence, state.last
        if last is None or last.image is None:
            return None
        return Frame(last.index, time.monotonic_ns(), last.image, last.part)


@dataclass(frozen=True, slots=True)
class Taken:
    """One picture that was taken."""

    name: str  # of its file
    file: Path
    small: bytes  # JPEG
    look: NDArray[np.float32]  # see look_of


class Collection:
    """Takes pictures from a camera until there are enough, on a thread of its own that gives way to the line."""

    def __init__(self, folder: Path, wanted: int) -> None:
        """Begins with what lies in the folder. Raises DataError where that cannot be read."""
        self.folder = folder
        self.wanted = wanted
        self._lock = threading.Lock()
        self._taken: list[Taken] = []
        self._removed: list[NDArray[np.float32]] = []  # what somebody has taken out does not come back by itself
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.skipped = 0  # pictures like one that was there already
        self.trouble = ""  # why no more come; empty where all is well
        for file in find_images(folder) if folder.is_dir() and any(folder.iterdir()) else ():
            self._add(file, read_image(file))

    @property
    def taken(self) -> Sequence[Taken]:
        """All of them, oldest first."""
        with self._lock:
            return tuple(self._taken)

    @property
    def running(self) -> bool:
        """Whether it is still taking."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def enough(self) -> bool:
        """Whether all that were wanted are there."""
        return len(self._taken) >= self.wanted

    def start(self, camera: Camera) -> None:
        """Take from this camera."""
        self.stop()
        self._stopping.clear()
        self.trouble = ""
        self._thread = threading.Thread(target=self._run, args=(camera,), name="page-collecting", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more, and give the camera back."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def remove(self, name: str) -> None:
        """Take one out: its file goes to the folder `taken_out` beside `train`, and nothing like it is taken again."""
        with self._lock:
            found = [each for each in self._taken if each.name == name]
            self._taken = [each for each in self._taken if each.name != name]
            self._removed += [each.look for each in found]
        for each in found:
            take_out(each.file)

    def _run(self, camera: Camera) -> None:
        give_way()
        try:
            with camera:
                while not self._stopping.is_set() and not self.enough:
                    self._take(camera)
        except (InspectorError, OSError) as error:
            self.trouble = str(error)

    def _take(self, camera: Camera) -> None:
        try:
            frame = camera.read(READ_S)
        except FrameLost:
            return
        if frame is None:
            return
        if self._is_known(look_of(frame.image)):
            self.skipped += 1
            return
        file = self.folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{time.monotonic_ns() % 10**9:09d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_image(file, frame.image)
        self._add(file, frame.image)

    def _add(self, file: Path, image: Image) -> None:
        taken = Taken(file.name, file, small_jpeg(image), look_of(image))
        with self._lock:
            self._taken.append(taken)

    def _is_known(self, look: NDArray[np.float32]) -> bool:
        with self._lock:
            known = [each.look for each in self._taken] + self._removed
        return any(np.sqrt(np.mean((look - each) ** 2)) < ALIKE for each in known)


def pictures_in(folder: Path) -> Sequence[Path]:
    """The pictures right in a folder that may not be there yet, by name: those that a Collection took are there."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    except OSError:
        return ()


def take_out(file: Path) -> None:
    """Move a picture from `train/good` to the folder `taken_out` beside `train`."""
    aside = file.parent.parent.parent / "taken_out"
    aside.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # somebody was faster
        file.replace(aside / file.name)


def look_of(image: Image) -> NDArray[np.float32]:
    """What two pictures of the same part have in common: (32, 32, 3), 0 to 255."""
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
