"""The machine itself: its processor, its memory, its cameras, and where a line's files go."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.doctor.report import Finding, State

GIB = 1 << 30
MIN_DISK_BYTES = 1 * GIB
MIN_MEMORY_BYTES = 2 * GIB


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a station keeps its files."""

    models: Path = Path("models")
    config: Path = Path("config")
    logs: Path = Path("logs")


def look_at_machine() -> list[Finding]:
    """The interpreter and what it runs on."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return [Finding("Python", platform.python_version()), Finding("system", system), _cores(), _memory()]


def _cores() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if usable < 2:
        return Finding("CPU cores", str(usable), State.WARN, "camera and inference share it: 2 or more are better")
    return Finding("CPU cores", str(usable))


def _memory() -> Finding:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:  # Windows
        return Finding("memory", "unknown")
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size < MIN_MEMORY_BYTES:
        return Finding("memory", _gib(size), State.WARN, "2 GiB or more are wanted: use small images and batches")
    return Finding("memory", _gib(size))


def look_at_cameras(cameras: Sequence[str]) -> Finding:
    """One camera is enough, and none where a line reads from the network or a folder."""
    if cameras:
        return Finding("cameras", ", ".join(cameras))
    return Finding("cameras", "none found", State.MISSING, "plug one in, or use a network camera or a folder of images")


def look_at_folders(folders: Folders) -> list[Finding]:
    """The runtime writes its log; models and recipes it only reads, so there a warning is enough."""
    return [
        _folder("models", folders.models),
        _folder("config", folders.config),
        _folder("logs", folders.logs, needed=True),
        _disk(folders.logs),
    ]


def _folder(name: str, path: Path, *, needed: bool = False) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=_existing(path)):
            return Finding(name, f"{path}" if path.is_dir() else f"{path}, not there yet", needed=needed)
    except OSError as error:
        state = State.MISSING if needed else State.WARN
        return Finding(name, f"{path}: {error.strerror}", state, "name another folder, or make it writable", needed)


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(_existing(path)).free
    if free < MIN_DISK_BYTES:
        return Finding("disk for logs", f"{_gib(free)} free", State.WARN, "delete old logs, or log to another disk")
    return Finding("disk for logs", f"{_gib(free)} free")


def _existing(path: Path) -> Path:
    """`path`, or the nearest thing above it that is there already. Unlike Path.exists, os.path.exists never raises."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if os.path.exists(place))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"
