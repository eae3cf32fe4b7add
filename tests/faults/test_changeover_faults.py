"""What can happen to recipes and models while a line runs, as a process of its own."""

import json
import os
import signal

import cv2
import numpy as np
import pytest
from spoilt import never_ends

from inspector.recipe import load_recipe

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture
def begin(start, station, tmp_path):
    """Start a line that inspects bright parts, again and again."""

    def begin(product):
        assert cv2.imwrite(str(tmp_path / "part.png"), np.full((48, 64, 3), station.bright, np.uint8))
        folders = ["--model-dir", station.models, "--config-dir", station.config, "--log-dir", tmp_path / "logs"]
        process = start("run", "--product", product, "--source", tmp_path / "part.png", "--loop", "--fps", 20, *folders)
        process.out.next()
        return process

    return begin


def logged(tmp_path):
    (lines,) = (tmp_path / "logs").glob("*.jsonl")
    return [json.loads(line) for line in lines.read_text().splitlines()]


def test_the_first_bytes_of_a_recipe_are_not_taken_and_the_whole_one_is(begin, station, tmp_path):
    line = begin("alpha")
    before = load_recipe(station.config, "alpha").hash
    whole = station.write(threshold=9.5).read_text()
    after = load_recipe(station.config, "alpha").hash
    with open(station.recipe(), "w") as file:  # as an editor or a copy does it: in place
        file.write(whole[:200])
        file.flush()
        line.err.until("changeover refused, alpha goes on: alpha.yaml: looks half-written")
        file.write(whole[200:])
    line.err.until(f"changeover: now inspecting alpha, recipe {after}")
    line.out.until("PASS")
    assert line.end(signal.SIGTERM) == 0
    judged = {(row["recipe"], row["verdict"]) for row in logged(tmp_path) if row["verdict"] != "missed"}
    assert judged == {(before, "fail"), (after, "pass")}


def test_a_model_that_never_answers_is_given_up_and_a_good_one_is_taken_afterwards(begin, station):
    (station.config / "station.yaml").write_text("load_s: 10\n")
    line, good = begin("beta"), station.model("beta").read_bytes()
    never_ends(station)
    station.write("beta", threshold=8.5)
    line.err.until("changeover refused, beta goes on: beta: ", "after 10 s")
    line.out.until("PASS")
    station.model("beta").write_bytes(good)
    station.write("beta", threshold=3.0)
    line.err.until("changeover: now inspecting beta")
    line.out.until("FAIL")
    assert line.end(signal.SIGTERM) == 0
