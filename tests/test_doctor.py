from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import inspector
from inspector.doctor.examination import CUDA, TINY_MODEL, Folders, examine
from inspector.doctor.report import RUNTIME_PACKAGES, TRAINING_PACKAGES, Check, CheckState, Diagnosis

CPU = "CPUExecutionProvider"


def folders(root: Path) -> Folders:
    return Folders(root / "models", root / "config", root / "logs")


def finding(report: Diagnosis, name: str) -> Check:
    return next(found for found in report.findings if found.name == name)


def cpu_only(model: bytes) -> Sequence[str]:
    """What a session says on a machine whose CUDA libraries do not load."""
    return onnxruntime.InferenceSession(model, providers=[CPU]).get_providers()


def with_driver(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called nvidia-smi on the PATH."""
    name = "nvidia-smi.exe" if sys.platform == "win32" else "nvidia-smi"
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_machine_that_runs_these_tests_can_run_the_line(tmp_path: Path):
    report = examine([CPU], ["0: webcam"], folders(tmp_path))
    assert report.ok, report.lines()
    assert finding(report, "numpy").value == np.__version__
    assert finding(report, "cameras") == Check("cameras", "0: webcam")
    assert finding(report, "mp4 video").state is CheckState.OK


def test_looking_leaves_no_trace(tmp_path: Path):
    examine([CPU], [], folders(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_bare_python_gets_the_whole_list_with_what_to_do(tmp_path: Path):
    """No package at all, and so no cv2 either: the doctor must still speak."""
    root = str(Path(inspector.__file__).parents[1])
    program = (
        f"import json, sys; sys.path.insert(0, {root!r})\n"
        "from inspector.doctor.examination import Folders, examine\n"
        "print(json.dumps(examine([], [], Folders()).as_dict()))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=tmp_path, capture_output=True, check=True)
    told = json.loads(done.stdout)
    lacking = {found["name"]: found for found in told["findings"] if found["state"] == "missing"}
    assert not told["ok"]
    assert {"numpy", "opencv-python", "pydantic", "PyYAML", "rich", "ONNX Runtime", "OpenCV"} <= set(lacking)
    assert all(found["advice"] for found in lacking.values())
    assert "pip install '.[train]'" in lacking["training"]["advice"]
    assert not lacking["training"]["needed"]


def required(requirements: str) -> set[str]:
    """The packages' names."""
    return set(re.findall(r"^[A-Za-z][\w.-]*", requirements, re.MULTILINE))


def test_doctor_looks_for_every_package_that_is_required():
    config = configparser.ConfigParser()
    config.read(Path(inspector.__file__).parents[1] / "setup.cfg")
    known = {name for names in RUNTIME_PACKAGES for name in names}
    assert required(config["options"]["install_requires"]) <= known
    assert required(config["options.extras_require"]["train"]) == set(TRAINING_PACKAGES)


def test_two_wheels_of_the_same_module_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("opencv-python", "opencv-python-headless"):
        info = tmp_path / f"{name.replace('-', '_')}-4.9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 4.9\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = finding(examine([CPU], [], folders(tmp_path)), "opencv-python")
    assert found.state is CheckState.WARN
    assert "pip uninstall opencv-python opencv-python-headless" in found.advice


def test_without_onnx_runtime_the_line_cannot_run(tmp_path: Path):
    report = examine([], [], folders(tmp_path))
    assert not report.ok
    assert "pip install" in finding(report, "ONNX Runtime").advice


def test_tiny_model_is_a_model_that_runs():
    session = onnxruntime.InferenceSession(TINY_MODEL, providers=[CPU])
    assert session.run(None, {"x": np.array([2.5], np.float32)})[0] == pytest.approx(2.5)


def test_cuda_that_is_listed_but_does_not_load_is_told_where_there_is_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_driver(tmp_path, monkeypatch)
    report = examine([CUDA, CPU], [], folders(tmp_path), cpu_only)
    assert finding(report, "NVIDIA driver").state is CheckState.OK
    assert finding(report, "CUDA").state is CheckState.WARN
    assert "cuda" in finding(report, "CUDA").advice
    assert report.ok  # the CPU does the work


def test_cuda_that_loads_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with_driver(tmp_path, monkeypatch)
    found = finding(examine([CUDA, CPU], [], folders(tmp_path), lambda model: [CUDA, CPU]), "CUDA")
    assert found == Check("CUDA", "loads")


def test_a_gpu_without_a_runtime_for_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with_driver(tmp_path, monkeypatch)
    assert "onnxruntime-gpu" in finding(examine([CPU], [], folders(tmp_path)), "CUDA").advice


@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="this machine has a GPU")
def test_no_gpu_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    report = examine([CUDA, CPU], [], folders(tmp_path), cpu_only)
    assert finding(report, "CUDA").state is CheckState.OK
    assert report.ok


def test_a_log_folder_that_cannot_be_written_stops_the_line(tmp_path: Path):
    (tmp_path / "logs").write_text("a file where the folder should be")
    report = examine([CPU], [], folders(tmp_path))
    assert finding(report, "logs").state is CheckState.MISSING
    assert finding(report, "disk for logs").value.endswith("free")
    assert not report.ok


def test_a_model_folder_that_cannot_be_written_is_only_a_warning(tmp_path: Path):
    (tmp_path / "models").write_text("a file where the folder should be")
    report = examine([CPU], [], folders(tmp_path))
    assert finding(report, "models").state is CheckState.WARN
    assert report.ok


def test_a_disk_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("inspector.doctor.examination.MIN_DISK_BYTES", 1 << 62)  # no disk has so much left
    found = finding(examine([CPU], [], folders(tmp_path)), "disk for logs")
    assert found.state is CheckState.WARN
    assert found.advice


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says by its environment whether there is a display")
def test_a_machine_without_display_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    report = examine([CPU], [], folders(tmp_path))
    assert finding(report, "window").state is CheckState.MISSING
    assert report.ok


def test_lines_name_state_value_and_advice():
    report = Diagnosis((Check("disk", "full", CheckState.WARN, "delete logs"), Check("memory", "8 GiB")))
    assert report.lines() == ["warn     disk    full  -> delete logs", "ok       memory  8 GiB"]


def test_report_survives_json(tmp_path: Path):
    report = examine([CPU], ["0: webcam"], folders(tmp_path))
    told = json.loads(json.dumps(report.as_dict()))
    assert told["ok"] is report.ok
    assert [found["name"] for found in told["findings"]] == [found.name for found in report.findings]
    assert {found["state"] for found in told["findings"]} <= {"ok", "warn", "missing"}
