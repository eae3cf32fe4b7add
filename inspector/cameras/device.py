"""Cameras that are plugged in: by index (USB, laptop)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
from numpy.typing import NDArray

from inspector.errors import CameraError, CameraLost, DataError
from inspector.images import as_bgr
from inspector.records import Frame, Image

MANUAL = 1 if sys.platform == "linux" else 0  # exposure, as Video4Linux and as DirectShow call it
LONGEST_WAIT_NS = 60_000_000_000  # in the driver's buffers, of a line that was suspended meanwhile


class DeviceCamera:
    """A camera by index (0, 1, ...).

    `width`, `height` (px), `fps` (Hz) and `exposure` (in the driver's own unit: 0.1 ms on Linux) are set and read back;
    what is left out stays as the camera has it. An exposure turns the automatic one off.
    """

    live = True

    def __init__(
        self,
        index: int,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        exposure: float | None = None,
        read_timeout_s: float = 5.0,
        open_capture: Callable[[int], cv2.VideoCapture] = cv2.VideoCapture,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._name = camera_name(index)
        self._open_capture = partial(open_capture, index)
        self._settings = {
            "width": (cv2.CAP_PROP_FRAME_WIDTH, width),
            "height": (cv2.CAP_PROP_FRAME_HEIGHT, height),
            "fps": (cv2.CAP_PROP_FPS, fps),
            "exposure": (cv2.CAP_PROP_EXPOSURE, exposure),
        }
        self._read_timeout_s = read_timeout_s
        self._now_ns = now_ns
        self._capture: cv2.VideoCapture | None = None  # None while closed
        self._index = 0

    def __enter__(self) -> DeviceCamera:
        capture = self._open_capture()
        capture.set(cv2.CAP_PROP_READ_TIMEOUT_MSEC, self._read_timeout_s * 1e3)  # not every backend knows it
        if not capture.isOpened():
            raise CameraError(f"{self._name}: cannot be opened; `doctor` lists the cameras found")
        self._capture, self._index = capture, 0
        try:
            for setting, (prop, asked) in self._settings.items():
                self._set(capture, setting, prop, asked)
        except CameraError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._capture is not None:
            self._capture.release()
        self._capture = None

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame; waits for it up to the camera's own `read_timeout_s`, then takes it for gone.

        OpenCV cannot wait for less than that, so `timeout_s` is not used and None never returned.
        Raises CameraLost when no frame comes, CameraError when its pixels are not 8-bit.
        """
        if self._capture is None:
            raise CameraError(f"{self._name}: read() before it was opened")
        done, pixels = self._capture.read()
        read_ns = self._now_ns()  # after the wait, which belongs to the line and not to the inspection
        if not done:
            raise CameraLost(f"{self._name}: delivers no more frames; check cable and power")
        index, self._index = self._index, self._index + 1
        return Frame(index, taken_ns(self._capture.get(cv2.CAP_PROP_POS_MSEC), read_ns), self._image(pixels))

    def _set(self, capture: cv2.VideoCapture, setting: str, prop: int, asked: float | None) -> None:
        if asked is None:
            return
        if prop == cv2.CAP_PROP_EXPOSURE:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL)  # not read back: not every driver has it
        capture.set(prop, asked)
        got = capture.get(prop)
        if abs(got - asked) > 0.01 * abs(asked):  # 29.97 is what a camera calls 30
            raise CameraError(f"{self._name}: {setting}: asked for {asked:g}, got {got:g}; set what the camera can do")

    def _image(self, pixels: NDArray[Any]) -> Image:
        try:
            return as_bgr(pixels, self._name)
        except DataError as error:
            raise CameraError(str(error)) from error


def taken_ns(driver_ms: float, read_ns: int) -> int:
    """Return when a picture was taken that was read at `read_ns`.

    Linux's drivers say it, by the clock that we use, too; others say nothing, or count from the camera's start.
    """
    driver_ns = round(driver_ms * 1e6)
    return driver_ns if 0 <= read_ns - driver_ns <= LONGEST_WAIT_NS else read_ns


def camera_name(source: int | str) -> str:
    """Return the name of a camera in messages: an address loses its user and password, wherever it carries them."""
    if isinstance(source, int):
        return f"camera {source}"
    scheme, mark, rest = source.partition("://")
    if not mark:  # a path, or an address with a slip of the pen in it
        return re.sub(r"[^/]+:[^/]+@", "***@", source)
    rest = f"***@{rest.rpartition('@')[2]}" if "@" in rest else rest
    return scheme + mark + re.sub(r"\?.*", "?***", rest)  # some cameras take the password as ?pwd=


def find_devices(dev: Path = Path("/dev")) -> list[str]:
    """Return the cameras that can be opened by index, as "0: name". Tries the first five outside Linux."""
    if sys.platform != "linux":
        return [f"{index}: camera" for index in range(5) if _answers(index)]
    indices = sorted(int(path.name[5:]) for path in dev.glob("video*") if path.name[5:].isdecimal())
    return [f"{index}: {_linux_name(index)}" for index in indices]


def _answers(index: int) -> bool:
    capture = cv2.VideoCapture(index)
    found = capture.isOpened()
    capture.release()
    return found


def _linux_name(index: int) -> str:
    try:
        return Path(f"/sys/class/video4linux/video{index}/name").read_text("utf-8").strip()
    except OSError:  # not every container shows it, and a camera without a name works as well
        return "camera"
