"""`bench`: what it prints can be read by a program and adds up, and it says what it could not measure."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

import run_inspector
from inspector import cli

FACTS = {
    "pipeline_efficiency", "overhead_ms_per_part", "stages_ms", "latency_p50_ms", "latency_p99_ms", "load",
    "speedup_over_plain_loop", "parts_per_second", "session_parts_per_second", "provider", "machine",
    "drawn_efficiency", "cpu_efficiency", "bare_cpu_ms_per_part",
}  # fmt: skip


@pytest.fixture
def arguments(station, tmp_path):
    """A bench of a small picture of a good part."""
    station.write()
    path = tmp_path / "part.png"
    cv2.imwrite(str(path), np.full((48, 64, 3), station.dark, np.uint8))
    folders = ["--model-dir", str(station.models), "--config-dir", str(station.config)]
    return ["bench", "--product", "alpha", "--image", str(path), "--frames", "20", *folders]


def verbs():
    import export.verbs  # noqa: PLC0415
    import inspector.verbs  # noqa: PLC0415

    return (*export.verbs.VERBS, *inspector.verbs.VERBS)


def test_json_is_one_object_of_numbers_that_add_up(arguments, capsys):
    assert cli.main(verbs(), [*arguments, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert set(facts) >= FACTS
    assert set(facts["stages_ms"]) == {"tiling", "session", "judge", "overlay", "colour", "log"}
    account, whole_ms = facts["cpu_ms"], facts["cpu_ms_per_part"]
    assert {"session", "preparing and judging", "log", "thread line-capture", "thread line-deliver"} < set(account)
    assert whole_ms == pytest.approx(sum(account.values()))
    assert facts["overhead_ms_per_part"] == pytest.approx(whole_ms - account["session"])
    assert facts["best_bare"] in facts["bare_parts_per_second"]
    assert facts["verdict"] == "pass"
    low, high = facts["pipeline_efficiency_middle"]
    assert 0 < low <= facts["pipeline_efficiency"] <= high
    assert 0 < facts["latency_p50_ms"] <= facts["latency_p99_ms"]
    assert facts["load"] == 0.8
    assert facts["speedup_over_plain_loop"] > 0
    assert facts["machine"]["cores"] >= 1


def test_text_names_every_stage_and_what_it_is_compared_with(arguments, capsys):
    assert cli.main(verbs(), arguments) == 0
    said = capsys.readouterr().out
    for words in (
        "tiling",
        "session",
        "overlay",
        "x the best of these",
        "unnamed",
        "80% of the line's capacity",
        "plain loop",
    ):
        assert words in said


def test_without_pytorch_it_says_why_there_is_no_speedup(arguments):
    program = f"""
import sys
sys.modules["torch"] = None
sys.path.insert(0, {str(__import__("pathlib").Path(run_inspector.__file__).parent)!r})
import run_inspector
sys.argv = ["line-inspector", *{[*arguments, "--json"]!r}]
sys.exit(run_inspector.main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["speedup_over_plain_loop"] is None
    assert "torch" in facts["speedup_over_plain_loop_reason"]


def test_a_product_without_a_recipe_is_one_line(tmp_path, capsys):
    folders = ["--model-dir", str(tmp_path), "--config-dir", str(tmp_path)]
    assert cli.main(verbs(), ["bench", "--product", "nothing", *folders]) == 2
    assert capsys.readouterr().err.count("\n") == 1
