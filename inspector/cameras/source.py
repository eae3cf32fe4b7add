"""From what a user writes as the source to the camera that it means."""

from __future__ import annotations

import re
from pathlib import Path

from inspector.cameras.base import Camera
from inspector.cameras.device import DeviceCamera, camera_name
from inspector.cameras.folder import FolderReplay
from inspector.cameras.freshness import SAME, Fresh
from inspector.cameras.network import NetworkCamera
from inspector.cameras.reconnect import Reconnecting
from inspector.cameras.snapshot import SnapshotCamera, gives_snapshots
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
        name, address = camera_name(source), f"{scheme.lower()}://{rest}"
        return Fresh(Reconnecting(lambda: _network(address, fps), fps, name=name), name, same=same)
    if _device_number(source) is not None:
        return Fresh(Reconnecting(lambda: _device(source, fps), fps, name=source), source, same=same)
    return _replay(source, fps, loop)


def _network(address: str, fps: float | None) -> Camera:
    """Looked up each time it is opened: what an address gives may change."""
    return SnapshotCamera(address, fps) if gives_snapshots(address) else NetworkCamera(address)


def _device_number(file: str) -> int | None:
    """The number behind /dev/video0 or a link to it, such as /dev/v4l/by-id/...; None where it is no camera's file."""
    found = re.fullmatch(r"/dev/video([0-9]+)", str(Path(file).resolve()))
    return int(found[1]) if found else None


def _device(file: str, fps: float | None) -> DeviceCamera:
    """Looked up each time it is opened: a camera that was plugged in again may have another number."""
    number = _device_number(file)
    if number is None:
        raise CameraError(f"{file}: no such camera any more")
    return DeviceCamera(number, fps=fps)


def _replay(source: str, fps: float | None, loop: bool) -> Camera:
    path = Path(source or "(nothing)")  # an empty path would mean the current folder
    if path.is_dir() or (path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES):
        return FolderReplay(path, fps, loop)
    if path.is_file():
        return VideoFile(path, fps, loop)
    expected = "a camera index, an rtsp:// or http:// address, /dev/video0, a folder, an image or a video file"
    raise CameraError(f"{camera_name(source or str(path))}: no such source; expected {expected}")
