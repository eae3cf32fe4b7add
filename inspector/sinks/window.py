"""The live window."""

from __future__ import annotations

import enum
import os
import subprocess
import sys

import cv2

from inspector.errors import SinkError
from inspector.records import Image, Inspection
from inspector.sinks.pictures import fitted

FITS = (1280, 960)  # px, width and height
QUIT_KEYS = (ord("q"), ord("Q"), 27)  # 27 is Esc
NEXT_PRODUCT_KEYS = (ord("p"), ord("P"))
PROBE_LIMIT_S = 30

_HOW_TO_GO_ON = "leave the window out, and look at the saved pictures or a video instead"


class WindowRequest(enum.Enum):
    """What a key in the window asks for."""

    QUIT = "quit"
    NEXT_PRODUCT = "next product"


class Window:
    """Shows every picture, fitted into 1280 x 960 pixels.

    `poll` returns what is asked for: QUIT after `q`, Esc or closing the window, NEXT_PRODUCT after `p`. After quitting
    nothing more is shown. Raises SinkError at once where no window can be opened. `show` and `close` only take note, on
    any thread; the window itself belongs to the thread that calls `poll`, for graphical toolkits want all calls from
    one. Of pictures that come faster than it polls, the last is shown: a window does not hold up the line.
    """

    def __init__(self, title: str) -> None:
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # Qt complains of fonts we do not use
        check_display()
        self._title = title
        self._picture: Image | None = None  # to be shown with the next poll
        self._is_open = False
        self._has_quit = False
        self._run_is_over = False

    def wants(self, inspection: Inspection) -> bool:
        return not self._has_quit

    def show(self, inspection: Inspection, picture: Image) -> None:
        self._picture = picture

    def poll(self) -> WindowRequest | None:
        """Show what there is to show, and look at the keys. Always on the same thread, and once more after `close`."""
        if self._run_is_over:
            self._destroy()
            return None
        picture, self._picture = self._picture, None
        if picture is not None and not self._has_quit and not self._was_closed():
            self._draw(picture)
        if not self._is_open:
            return None
        key = cv2.pollKey() & 0xFF
        if key in QUIT_KEYS or self._was_closed():
            return self._quit()
        return WindowRequest.NEXT_PRODUCT if key in NEXT_PRODUCT_KEYS else None

    def close(self) -> None:
        self._run_is_over = True

    def _draw(self, picture: Image) -> None:
        if not self._is_open:
            cv2.namedWindow(self._title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
            self._is_open = True
        cv2.imshow(self._title, fitted(picture, *FITS))

    def _destroy(self) -> None:
        if self._is_open and not self._was_closed():
            cv2.destroyWindow(self._title)
        self._is_open = False

    def _was_closed(self) -> bool:
        if not self._is_open:
            return False
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # with its last window, Qt is gone as a whole
            return True

    def _quit(self) -> WindowRequest | None:
        first, self._has_quit = not self._has_quit, True
        return WindowRequest.QUIT if first else None


def check_display() -> None:
    """Raise SinkError where no window can be opened.

    Asked before the first window: on Linux, Qt ends the whole process when it finds no display, so it is tried in
    another one.
    """
    if not cv2.currentUIFramework():
        raise SinkError(f"this OpenCV has no windows (opencv-python-headless is installed): {_HOW_TO_GO_ON}")
    if not sys.platform.startswith("linux"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SinkError(f"there is no display to open a window on (DISPLAY is not set): {_HOW_TO_GO_ON}")
    if not _can_open_a_window():
        raise SinkError(f"no window can be opened on display {os.environ.get('DISPLAY') or '(none)'}: {_HOW_TO_GO_ON}")


def _can_open_a_window() -> bool:
    command = [sys.executable, "-c", "import cv2; cv2.namedWindow('probe')"]
    try:
        return subprocess.run(command, capture_output=True, timeout=PROBE_LIMIT_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
