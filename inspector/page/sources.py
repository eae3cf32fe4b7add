"""What the Setup page calls a source: a camera of station.yaml by its name, or whatever `run --source` takes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inspector.camera_settings import DeviceSettings, ReplaySettings
from inspector.cameras.base import Camera
from inspector.cameras.device import camera_name, find_devices
from inspector.cameras.source import open_camera, open_source
from inspector.station import StationCamera, load_station


@dataclass(frozen=True, slots=True)
class Source:
    """One source that a user may choose."""

    value: str  # what a form sends
    words: str
    product: str = ""  # that station.yaml says it inspects


@dataclass(frozen=True, slots=True)
class Target:
    """What a source leads to, and how it is opened there."""

    source: str  # as `run --source` takes it
    rate_hz: float | None
    open: Callable[[], Camera]


def known_sources(config_dir: Path, dev: Path = Path("/dev")) -> list[Source]:
    """Cameras of the station, and those that are plugged in. Raises RecipeError where station.yaml is wrong."""
    cameras = load_station(config_dir).cameras
    named = [Source(name, f"{name}: {camera_name(_text(camera))}", camera.product) for name, camera in cameras.items()]
    found = find_devices(dev) if sys.platform == "linux" else ()
    return [*named, *(Source(each.partition(":")[0], f"camera {each}") for each in found)]


def target_of(source: str, config_dir: Path, rate_hz: float | None = None) -> Target:
    """Find out what is meant; `rate_hz` is for a source that station.yaml does not name. Raises RecipeError."""
    camera = load_station(config_dir).cameras.get(source)
    if camera is None:
        return Target(source, rate_hz, lambda: open_source(source, rate_hz, loop=False))
    if camera.camera is None:
        return Target(_text(camera), camera.fps, lambda: open_source(_text(camera), camera.fps, loop=False))
    settings = camera.camera
    return Target(_text(camera), settings.fps, lambda: open_camera(settings))


def _text(camera: StationCamera) -> str:
    """The source as `run --source` takes it."""
    settings = camera.camera
    if settings is None:
        return camera.source or ""
    if isinstance(settings, DeviceSettings):
        return str(settings.device)
    return settings.path if isinstance(settings, ReplaySettings) else settings.address
