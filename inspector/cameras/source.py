"""From what a user writes as the source to the camera that it means."""

from __future__ import annotations

from pathlib import Path

from inspector.cameras.base import Camera
from inspector.cameras.device import DeviceCamera, camera_name
from inspector.cameras.folder import FolderReplay
from inspector.cameras.freshness import SAME, Fresh
from inspector.cameras.network import NetworkCamera
from inspector.cameras.reconnect import Reconnecting
from inspector.cameras.video import VideoFile
from inspector.errors import CameraError
from inspector.images import IMAGE_SUFFIXES

_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")


def open_source(source: str, fps: float | None, loop: bool, same: int = SAME) -> Camera:
    """The camera for a camera index, an address, or the path of a folder, image or video; not yet opened.

    `fps` (Hz) is the pace of a replay (None: as fast as it is read), the rate set in a camera opened by index, and
    the rate by which lost parts of a live camera are counted. `loop` starts a replay over and over. `same` pictures in
    a row without any difference mean that a live camera is frozen.
    Raises CameraError when the source is none of these.
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise CameraError(f"fps: {fps:g} given, a positive number wanted")
    if source.isascii() and source.isdecimal():
        name = camera_name(int(source))
        return Fresh(Reconnecting(lambda: DeviceCamera(int(source), fps=fps), fps, name=name), name, same=same)
    if source.lower().startswith(_SCHEMES):  # the rate of a network camera is set in the camera itself
        scheme, _, rest = source.partition("://")
        name = camera_name(source)
        return Fresh(Reconnecting(lambda: NetworkCamera(f"{scheme.lower()}://{rest}"), fps, name=name), name, same=same)
    return _replay(source, fps, loop)


def _replay(source: str, fps: float | None, loop: bool) -> Camera:
    path = Path(source or "(nothing)")  # an empty path would mean the current folder
    if path.is_dir() or (path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES):
        return FolderReplay(path, fps, loop)
    if path.is_file():
        return VideoFile(path, fps, loop)
    expected = "a camera index, an rtsp:// or http:// address, a folder, an image or a video file"
    raise CameraError(f"{camera_name(str(path))}: no such source; expected {expected}")
