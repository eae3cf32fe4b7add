"""Cameras that OpenCV can open: by index (USB, laptop) and by address (RTSP, HTTP)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
from numpy.typing import NDArray

from inspector.errors import CameraError, CameraLost, DataError
from inspector.images import as_bgr
from inspector.records import Frame, Image


class DeviceCamera:
    """A camera by index (0, 1, ...) or address (rtsp://, rtsps://, http://, https://).

    `width`, `height` (px) and `fps` (Hz) are set and read back; what is left out stays as the camera has it.
    """

    live = True

    def __init__(
        self,
        source: int | str,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        open_timeout_s: float = 10.0,
        read_timeout_s: float = 5.0,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._source = source
        self._settings = {
            "width": (cv2.CAP_PROP_FRAME_WIDTH, width),
            "height": (cv2.CAP_PROP_FRAME_HEIGHT, height),
            "fps": (cv2.CAP_PROP_FPS, fps),
        }
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._now_ns = now_ns
        self._capture: cv2.VideoCapture | None = None  # None while closed
        self._index = 0

    def __enter__(self) -> DeviceCamera:
        capture = _open(self._source, *self._timeouts_s)
        if not capture.isOpened():
            raise CameraError(f"{self._name}: cannot be opened; {_advice(self._source)}")
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
        captured_ns = self._now_ns()  # after the wait, which belongs to the line and not to the inspection
        if not done:
            raise CameraLost(f"{self._name}: delivers no more frames; check cable and power")
        index, self._index = self._index, self._index + 1
        return Frame(index, captured_ns, self._image(pixels))

    @property
    def _name(self) -> str:
        return camera_name(self._source)

    def _set(self, capture: cv2.VideoCapture, setting: str, prop: int, asked: float | None) -> None:
        if asked is None:
            return
        capture.set(prop, asked)
        got = capture.get(prop)
        if abs(got - asked) > 0.01 * asked:  # 29.97 is what a camera calls 30
            raise CameraError(f"{self._name}: {setting}: asked for {asked:g}, got {got:g}; set what the camera can do")

    def _image(self, pixels: NDArray[Any]) -> Image:
        try:
            return as_bgr(pixels, self._name)
        except DataError as error:
            raise CameraError(str(error)) from error


def camera_name(source: int | str) -> str:
    """How messages call a camera: an address loses its user and password, wherever it carries them."""
    if isinstance(source, int):
        return f"camera {source}"
    scheme, mark, rest = source.partition("://")
    if not mark:  # a path, or an address with a slip of the pen in it
        return re.sub(r"[^/]+:[^/]+@", "***@", source)
    rest = f"***@{rest.rpartition('@')[2]}" if "@" in rest else rest
    return scheme + mark + re.sub(r"\?.*", "?***", rest)  # some cameras take the password as ?pwd=


def find_devices(dev: Path = Path("/dev")) -> list[str]:
    """The cameras that can be opened by index, as "0: name". Elsewhere than on Linux the first five are tried."""
    if sys.platform != "linux":
        return [f"{index}: camera" for index in range(5) if _answers(index)]
    indices = sorted(int(path.name[5:]) for path in dev.glob("video*") if path.name[5:].isdecimal())
    return [f"{index}: {_linux_name(index)}" for index in indices]


def _open(source: int | str, open_timeout_s: float, read_timeout_s: float) -> cv2.VideoCapture:
    if isinstance(source, int):
        capture = cv2.VideoCapture(source)
        capture.set(cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_timeout_s * 1e3)  # not every backend knows it
        return capture
    options = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: round(open_timeout_s * 1e3),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: round(read_timeout_s * 1e3),
        cv2.CAP_PROP_N_THREADS: 1,  # n threads decode n frames at once, and so deliver each n - 1 frames late
    }
    return cv2.VideoCapture(source, cv2.CAP_FFMPEG, [number for option in options.items() for number in option])


def _advice(source: int | str) -> str:
    return "`doctor` lists the cameras found" if isinstance(source, int) else "check address, password and network"


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
