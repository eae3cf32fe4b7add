"""What every camera can do."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from inspector.records import Frame


class Camera(Protocol):
    """A source of frames, used as a context manager: opened by `with`, closed at its end.

    `live` says whether frames come by themselves: a live camera's backlog is cut, a replay waits.
    """

    live: bool

    def __enter__(self) -> Camera:
        """Open the device. Raises CameraError when it cannot be used."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the device; never raises."""

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if none came in time.

        Raises FrameLost when this one exposure cannot be had (it counts as MISSED; reading may go on),
        CameraLost when the device is gone, EndOfStream when a replay is over.
        """
