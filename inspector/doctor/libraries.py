"""Whether ONNX Runtime and OpenCV do here what a line needs: compute, capture, show and record."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inspector.doctor.packages import RUNTIMES, installed
from inspector.doctor.report import Finding, State

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
) -> list[Finding]:
    """ONNX Runtime and the GPU. The CPU is enough: only a GPU that is there and cannot be used is a warning.

    Arguments as for `examine`.
    """
    driver = _has_nvidia_driver()
    if not providers:
        advice = f"pip install --force-reinstall {installed(RUNTIMES) or RUNTIMES[0]}"
        return [Finding("ONNX Runtime", "does not load", State.MISSING, advice, needed=True), _driver(driver)]
    loaded = session_providers(TINY_MODEL) if session_providers and CUDA in providers else providers
    names = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    cuda = _cuda(CUDA in providers, CUDA in loaded, driver)
    return [Finding("ONNX Runtime", names, needed=True), _driver(driver), cuda]


def _has_nvidia_driver() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def _driver(driver: bool) -> Finding:
    if driver:
        return Finding("NVIDIA driver", "found")
    return Finding("NVIDIA driver", "not found", State.MISSING, "only for a GPU: install NVIDIA's driver")


def _cuda(listed: bool, loaded: bool, driver: bool) -> Finding:
    if loaded:
        return Finding("CUDA", "loads")
    if not driver:
        return Finding("CUDA", "not used, the CPU computes")
    if listed:
        return Finding("CUDA", "does not load", State.WARN, "pip install 'onnxruntime-gpu[cuda,cudnn]'")
    advice = "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
    return Finding("CUDA", "not in this ONNX Runtime", State.WARN, advice)


# ---- pictures, windows, videos


def look_at_opencv() -> list[Finding]:
    """Whether it loads, and what it was built with."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:  # the wheel is there, but a system library is not: libGL, libgthread
        advice = "install the system library it names, or opencv-python-headless"
        return [Finding("OpenCV", str(error), State.MISSING, advice, needed=True)]
    return [_backends(cv2), _window(cv2), _mp4(cv2)]


def _backends(cv2: Any) -> Finding:
    registry = cv2.videoio_registry
    usable = [registry.getBackendName(b) for b in registry.getCameraBackends() if registry.hasBackend(b)]
    if usable:
        return Finding("camera backends", ", ".join(usable))
    return Finding("camera backends", "none", State.WARN, "pip install opencv-python from PyPI: it brings them")


def _window(cv2: Any) -> Finding:
    gui = [
        line.split(":")[1].strip() for line in cv2.getBuildInformation().splitlines() if line.strip().startswith("GUI:")
    ]
    if not gui or gui[0] in {"", "NONE"}:
        advice = "for a window: pip uninstall opencv-python-headless, then pip install opencv-python"
        return Finding("window", "OpenCV without GUI", State.MISSING, advice)
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Finding("window", f"{gui[0]}, no display", State.MISSING, "run without a window, or set DISPLAY")
    return Finding("window", gui[0])


def _mp4(cv2: Any) -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        writer = cv2.VideoWriter(str(Path(folder, "probe.mp4")), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (64, 64))
        opened = bool(writer.isOpened())
        writer.release()
    if opened:
        return Finding("mp4 video", "can be written")
    return Finding("mp4 video", "cannot be written", State.WARN, "only to record: pip install opencv-python from PyPI")
