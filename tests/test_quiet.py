"""The program asks no resolver for anything: every look-up of the process is written down, libraries' own included."""

import os
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from process import PATIENCE_S

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("gcc") is None, reason="needs Linux and gcc"
)

RESOLVER = """
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  FILE *file = fopen(getenv("LOOKED_UP"), "a");
  if (file) { fprintf(file, "%s\\n", name ? name : "-"); fclose(file); }
  return EAI_FAIL;
}
"""
PLAIN = """
import sys, time
import onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
time.sleep(60)
"""


@pytest.fixture
def resolver(tmp_path, monkeypatch):
    """Processes from now on have a resolver that writes down the names it is asked for, and a home of their own."""
    (tmp_path / "resolver.c").write_text(RESOLVER)
    library = tmp_path / "resolver.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "resolver.c"], check=True)
    for name in ("CI", "ORT_DISABLE_TELEMETRY"):  # with either of them it is quiet by itself
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LD_PRELOAD", str(library))

    def use(name):
        monkeypatch.setenv("LOOKED_UP", str(tmp_path / f"{name}.txt"))
        monkeypatch.setenv("HOME", str(tmp_path / name))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name / "cache"))
        return tmp_path / f"{name}.txt", tmp_path / name

    return use


def test_a_running_line_looks_nothing_up_and_keeps_nothing_in_the_users_cache(start, station, tmp_path, resolver):
    """Longer than it takes ONNX Runtime by itself, in a process beside it that began later."""
    assert cv2.imwrite(str(tmp_path / "part.png"), np.full((48, 64, 3), station.dark, np.uint8))
    looked_up, home = resolver("ours")
    folders = ["--model-dir", station.models, "--config-dir", station.config, "--log-dir", tmp_path / "logs"]
    line = start("run", "--product", "alpha", "--source", tmp_path / "part.png", "--loop", "--fps", 5, *folders)
    line.out.next()  # a verdict: the model is there
    by_itself, _ = resolver("plain")
    plain = subprocess.Popen([sys.executable, "-c", PLAIN, str(station.model())])
    try:
        end_s = time.monotonic() + PATIENCE_S
        while not by_itself.exists() and plain.poll() is None and time.monotonic() < end_s:
            time.sleep(0.2)
    finally:
        plain.kill()
        plain.wait()
    if not by_itself.exists():
        pytest.skip("this ONNX Runtime looks nothing up by itself")
    assert not looked_up.exists()
    assert not [file for _, _, files in os.walk(home) for file in files if "onnx" in file or "device" in file]
