"""From settings, or what a user writes as the source, to the camera that they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from inspector.camera_settings import (
    CameraSettings,
    DeviceSettings,
    FolderSettings,
    LiveSettings,
    NetworkSettings,
    SnapshotSettings,
    VideoSettings,
)
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
    """Return the camera for a camera index, an address, or the path of a folder, image or video; not yet opened.

    `fps` (Hz) is the pace of a replay (None: as fast as it is read), the rate set in a camera opened by index, and
    the rate by which lost parts of a live camera are counted. `loop` starts a replay over and over. `same` pictures in
    a row without any difference mean that a live camera is frozen.
    Raises CameraError when the source is none of these.
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise CameraError(f"fps: {fps:g} given, a positive number wanted")
    if source.isascii() and source.isdecimal():
        return open_camera(DeviceSettings(kind="device", device=int(source), fps=fps), same)
    if source.lower().startswith(_SCHEMES):
        return _stream_or_snapshots(source, fps, same)
    if _device_number(source) is not None:
        return open_camera(DeviceSettings(kind="device", device=source, fps=fps), same)
    return open_camera(_replay(source, fps, loop), same)


def open_camera(settings: CameraSettings, same: int = SAME) -> Camera:
    """Return the camera that `settings` describe, not yet opened. `same` holds where they do not say `frozen_after`.

    A new kind of camera is one more case here, and a model in inspector.camera_settings.
    """
    if isinstance(settings, FolderSettings):
        return FolderReplay(settings.path, settings.fps, settings.loop)
    if isinstance(settings, VideoSettings):
        return VideoFile(settings.path, settings.fps, settings.loop)
    if isinstance(settings, DeviceSettings):
        name = settings.device if isinstance(settings.device, str) else camera_name(settings.device)
        return _live(settings, name, lambda: _device(settings), same)
    if isinstance(settings, NetworkSettings):
        return _live(settings, camera_name(settings.address), lambda: _network(settings), same)
    return _live(settings, camera_name(settings.address), lambda: _snapshots(settings), same)


def _live(settings: LiveSettings, name: str, reopen: Callable[[], Camera], same: int) -> Camera:
    """Wrap a live camera: opened again when it is lost, its old and frozen pictures refused."""
    camera = Reconnecting(reopen, settings.fps, settings.give_up_s, name)
    frozen_after = same if settings.frozen_after is None else settings.frozen_after
    return Fresh(camera, name, same=frozen_after, oldest_s=settings.max_age_s)


def _stream_or_snapshots(address: str, fps: float | None, same: int) -> Camera:
    """Look each time it is opened: what an address gives may change. A stream's rate is set in the camera itself."""
    stream = NetworkSettings(kind="network", address=_with_plain_scheme(address), fps=fps)

    def reopen() -> Camera:
        if not gives_snapshots(stream.address):
            return _network(stream)
        return _snapshots(SnapshotSettings(kind="snapshot", address=stream.address, fps=fps))

    return _live(stream, camera_name(address), reopen, same)


def _network(settings: NetworkSettings) -> NetworkCamera:
    address = _with_plain_scheme(settings.address)
    return NetworkCamera(address, open_timeout_s=settings.open_timeout_s, read_timeout_s=settings.read_timeout_s)


def _snapshots(settings: SnapshotSettings) -> SnapshotCamera:
    return SnapshotCamera(_with_plain_scheme(settings.address), settings.fps, timeout_s=settings.timeout_s)


def _with_plain_scheme(address: str) -> str:
    scheme, _, rest = address.partition("://")
    return f"{scheme.lower()}://{rest}"


def _device_number(file: str) -> int | None:
    """Return the number behind /dev/video0 or a link to it (/dev/v4l/by-id/...); None where it is no camera's file."""
    found = re.fullmatch(r"/dev/video([0-9]+)", str(Path(file).resolve()))
    return int(found[1]) if found else None


def _device(settings: DeviceSettings) -> DeviceCamera:
    """Look its file up each time it is opened: a camera that was plugged in again may have another number."""
    device = settings.device
    number = _device_number(device) if isinstance(device, str) else device
    if number is None:
        raise CameraError(f"{device}: no such camera any more")
    return DeviceCamera(
        number,
        width=settings.width,
        height=settings.height,
        fps=settings.fps,
        exposure=settings.exposure,
        read_timeout_s=settings.read_timeout_s,
    )


def _replay(source: str, fps: float | None, loop: bool) -> FolderSettings | VideoSettings:
    path = Path(source or "(nothing)")  # an empty path would mean the current folder
    if path.is_dir() or (path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES):
        return FolderSettings(kind="folder", path=str(path), fps=fps, loop=loop)
    if path.is_file():
        return VideoSettings(kind="video", path=str(path), fps=fps, loop=loop)
    expected = "a camera index, an rtsp:// or http:// address, /dev/video0, a folder, an image or a video file"
    raise CameraError(f"{camera_name(source or str(path))}: no such source; expected {expected}")
