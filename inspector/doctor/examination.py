"""Look at this machine: processor and memory, where files go, and what ONNX Runtime and OpenCV can do here."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.doctor.report import RUNTIMES, Check, CheckState, Diagnosis, installed, look_at_packages

GIB = 1 << 30
MIN_DISK_BYTES = 1 * GIB
MIN_MEMORY_BYTES = 2 * GIB


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a station keeps its files."""

    models: Path = Path("models")
    config: Path = Path("config")
    logs: Path = Path("logs")


def look_at_machine() -> list[Check]:
    """Look at the interpreter and what it runs on."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return [Check("Python", platform.python_version()), Check("system", system), _cores(), _memory()]


def _cores() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if usable < 2:
        return Check("CPU cores", str(usable), CheckState.WARN, "camera and inference share it: 2 or more are better")
    return Check("CPU cores", str(usable))


def _memory() -> Check:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names:  # Windows
        return Check("memory", "unknown")
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size < MIN_MEMORY_BYTES:
        return Check("memory", _gib(size), CheckState.WARN, "2 GiB or more are wanted: use small images and batches")
    return Check("memory", _gib(size))


def look_at_cameras(cameras: Sequence[str]) -> Check:
    """Look at the cameras found. One is enough, and none where a line reads from the network or a folder."""
    if cameras:
        return Check("cameras", ", ".join(cameras))
    return Check(
        "cameras", "none found", CheckState.MISSING, "plug one in, or use a network camera or a folder of images"
    )


def look_at_folders(folders: Folders) -> list[Check]:
    """Look at the folders. Only the log is written; models and recipes are read, so there a warning is enough."""
    return [
        _folder("models", folders.models),
        _folder("config", folders.config),
        _folder("logs", folders.logs, needed=True),
        _disk(folders.logs),
    ]


def _folder(name: str, path: Path, *, needed: bool = False) -> Check:
    try:
        with tempfile.TemporaryFile(dir=_existing(path)):
            return Check(name, f"{path}" if path.is_dir() else f"{path}, not there yet", needed=needed)
    except OSError as error:
        state = CheckState.MISSING if needed else CheckState.WARN
        return Check(name, f"{path}: {error.strerror}", state, "name another folder, or make it writable", needed)


def _disk(path: Path) -> Check:
    free = shutil.disk_usage(_existing(path)).free
    if free < MIN_DISK_BYTES:
        return Check("disk for logs", f"{_gib(free)} free", CheckState.WARN, "delete old logs, or log to another disk")
    return Check("disk for logs", f"{_gib(free)} free")


def _existing(path: Path) -> Path:
    """Return `path`, or the nearest folder above it that exists. Unlike Path.exists, os.path.exists never raises."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if os.path.exists(place))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"


CUDA = "CUDAExecutionProvider"

# The smallest ONNX model, y = Identity(x) for one float: it shows whether a provider loads, without the onnx package.
_ONE_FLOAT = b"\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01"  # a value: tensor of float, shape (1,)
_GRAPH = (
    b"\x0a\x10\x0a\x01x\x12\x01y\x22\x08Identity"  # node: input x, output y
    b"\x12\x01g"  # the graph's name
    b"\x5a\x0f\x0a\x01x" + _ONE_FLOAT + b"\x62\x0f\x0a\x01y" + _ONE_FLOAT
)
TINY_MODEL = b"\x08\x08" + b"\x3a" + bytes([len(_GRAPH)]) + _GRAPH + b"\x42\x02\x10\x0d"  # IR version 8, opset 13


# ---- what computes


def look_at_onnx_runtime(
    providers: Sequence[str], session_providers: Callable[[bytes], Sequence[str]] | None
) -> list[Check]:
    """Look at ONNX Runtime and the GPU. The CPU is enough: only a GPU that cannot be used is a warning.

    Arguments as for `examine`.
    """
    driver = _has_nvidia_driver()
    if not providers:
        advice = f"pip install --force-reinstall {installed(RUNTIMES) or RUNTIMES[0]}"
        return [Check("ONNX Runtime", "does not load", CheckState.MISSING, advice, needed=True), _driver(driver)]
    loaded = session_providers(TINY_MODEL) if session_providers and CUDA in providers else providers
    names = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    cuda = _cuda(CUDA in providers, CUDA in loaded, driver)
    return [Check("ONNX Runtime", names, needed=True), _driver(driver), cuda]


def _has_nvidia_driver() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def _driver(driver: bool) -> Check:
    if driver:
        return Check("NVIDIA driver", "found")
    return Check("NVIDIA driver", "not found", CheckState.MISSING, "only for a GPU: install NVIDIA's driver")


def _cuda(listed: bool, loaded: bool, driver: bool) -> Check:
    if loaded:
        return Check("CUDA", "loads")
    if not driver:
        return Check("CUDA", "not used, the CPU computes")
    if listed:
        return Check("CUDA", "does not load", CheckState.WARN, "pip install 'onnxruntime-gpu[cuda,cudnn]'")
    advice = "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
    return Check("CUDA", "not in this ONNX Runtime", CheckState.WARN, advice)


# ---- pictures, windows, videos


def look_at_opencv() -> list[Check]:
    """Look whether OpenCV loads, and what it was built with."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:  # the wheel is there, but a system library is not: libGL, libgthread
        advice = "install the system library it names, or opencv-python-headless"
        return [Check("OpenCV", str(error), CheckState.MISSING, advice, needed=True)]
    return [_backends(cv2), _window(cv2), _mp4(cv2)]


def _backends(cv2: Any) -> Check:
    registry = cv2.videoio_registry
    usable = [registry.getBackendName(b) for b in registry.getCameraBackends() if registry.hasBackend(b)]
    if usable:
        return Check("camera backends", ", ".join(usable))
    return Check("camera backends", "none", CheckState.WARN, "pip install opencv-python from PyPI: it brings them")


def _window(cv2: Any) -> Check:
    gui = [
        line.split(":")[1].strip() for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")
    ]
    if not gui or gui[0] in {"", "NONE"}:
        advice = "for a window: pip uninstall opencv-python-headless, then pip install opencv-python"
        return Check("window", "OpenCV without GUI", CheckState.MISSING, advice)
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Check("window", f"{gui[0]}, no display", CheckState.MISSING, "run without a window, or set DISPLAY")
    return Check("window", gui[0])


def _mp4(cv2: Any) -> Check:
    with tempfile.TemporaryDirectory() as folder:
        writer = cv2.VideoWriter(str(Path(folder, "probe.mp4")), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 64))
        opened = bool(writer.isOpened())
        writer.release()
    if opened:
        return Check("mp4 video", "can be written")
    return Check(
        "mp4 video", "cannot be written", CheckState.WARN, "only to record: pip install opencv-python from PyPI"
    )


def examine(
    providers: Sequence[str],
    cameras: Sequence[str],
    folders: Folders,
    session_providers: Callable[[bytes], Sequence[str]] | None = None,
) -> Diagnosis:
    """Look at this machine.

    `providers` are those that ONNX Runtime lists, empty where it cannot be imported. `session_providers` opens a
    session on the ONNX model given, with the providers listed, and returns those it really runs on, none where that
    fails: a listed provider may not load. Without it, CUDA is taken at its word.
    """
    return Diagnosis(
        (
            *look_at_machine(),
            *look_at_packages(),
            *look_at_onnx_runtime(providers, session_providers),
            look_at_cameras(cameras),
            *look_at_opencv(),
            *look_at_folders(folders),
        )
    )
