"""What can happen to the whole program: it is killed, its disk is full, one of its cameras fails."""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from process import PATIENCE_S, ROOT

from inspector.sinks.mending import mend

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture
def parts(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, brightness in enumerate((40, 41, 200, 42)):
        assert cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), brightness, np.uint8))
    return folder


@pytest.fixture
def tiny_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a tiny disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def arguments(station, *options):
    return ["run", "--model-dir", station.models, "--config-dir", station.config, "--loop", *options]


def one_camera(station, parts, logs):
    return arguments(station, "--product", "alpha", "--source", parts, "--log-dir", logs)


def state_of(path):
    return json.loads(path.read_text())["state"]


def frames_in(logs):
    """The frames of both files of the log, each row of which must be whole."""
    (table,), (lines,) = logs.glob("*.csv"), logs.glob("*.jsonl")
    assert table.read_bytes().endswith(b"\r\n")
    head, *rows = csv.reader(table.read_text("utf-8").splitlines())
    assert {len(row) for row in rows} <= {len(head)}
    told = [json.loads(line)["frame"] for line in lines.read_text().splitlines()]
    frames = [int(row[head.index("frame")]) for row in rows]
    assert frames == told == list(range(len(frames)))
    return frames


@pytest.fixture
def controller():
    """A controller that listens: its port, and what it has heard once the other side is gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard = []

        def listen():
            connection, _ = server.accept()
            with connection, connection.makefile() as lines, contextlib.suppress(ConnectionError):
                heard.extend(json.loads(line) for line in lines if line.endswith("\n"))  # a kill may cut the last

        listener = threading.Thread(target=listen)
        listener.start()
        yield server.getsockname()[1], lambda: (listener.join(60), heard)[1]
        listener.join(60)


@pytest.mark.parametrize("seed", range(3))
def test_a_verdict_that_was_announced_is_in_the_log_whenever_the_program_is_killed(
    start, station, parts, tmp_path, seed, controller
):
    """Announced on the terminal or to the controller: both heard of it after the log did."""
    port, heard = controller
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: tcp, host: 127.0.0.1, port: {port}}}]\n")
    process = start(*one_camera(station, parts, tmp_path / "logs"))
    told = [process.out.next() for _ in range(random.Random(seed).randrange(1, 400))]
    process.end(signal.SIGKILL)
    told += process.out.rest()
    printed = [int(line.split()[0]) for line in told if len(line.split()) > 2]
    signalled = [message["frame"] for message in heard() if "frame" in message]
    assert printed == list(range(len(printed)))
    assert signalled == list(range(len(signalled)))
    mend(tmp_path / "logs")  # as the next run does
    assert len(frames_in(tmp_path / "logs")) >= max(len(printed), len(signalled)) > 0


@pytest.mark.parametrize("full", [False, True])
def test_a_log_on_a_full_disk_ends_the_run_and_leaves_the_output_safe(start, station, parts, tmp_path, tiny_disk, full):
    state = (tiny_disk if full else tmp_path) / "state.json"
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: file, path: '{state}'}}]\n")
    process = start(*one_camera(station, parts, tiny_disk / "logs"))
    assert process.wait() == 2
    *_, last = process.err.rest()
    assert last.startswith("error: ")
    if not full:  # else the output may be the first to find no room
        assert "cannot write the log" in last
        assert "free space on its disk" in last
    told = process.out.rest()
    (account,) = (line for line in told if line.startswith("captured "))
    captured, passed, failed, missed = (int(account.split()[at]) for at in (1, 3, 5, 7))
    assert captured == passed + failed + missed
    assert state_of(state) == "SAFE" if state.exists() else full
    frames_in(tiny_disk / "logs")


def test_a_full_disk_of_pictures_stops_the_pictures_and_not_the_line(start, station, parts, tmp_path, tiny_disk):
    process = start(*one_camera(station, parts, tmp_path / "logs"), "--save-overlays", tiny_disk, "--fps", "200")
    process.err.until("no more pictures go there, the line goes on")
    for _ in range(5):
        process.out.until("2.png")
    assert process.end(signal.SIGTERM) == 2
    last = process.err.rest()[-1]
    assert last.startswith(f"error: {tiny_disk}")
    assert "pictures are missing, the log has every verdict" in last
    assert frames_in(tmp_path / "logs")


def test_a_controller_hears_every_verdict_and_of_the_end(start, station, parts, tmp_path, controller):
    port, heard = controller
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: tcp, host: 127.0.0.1, port: {port}}}]\n")
    process = start(*one_camera(station, parts, tmp_path / "logs"))
    process.out.until("2.png")
    assert process.end(signal.SIGTERM) == 0
    lines = heard()
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    first, *verdicts, last = (line for line in lines if "heartbeat" not in line)
    assert (first["state"], first["why"]) == ("SAFE", "starting")
    assert (last["state"], last["why"]) == ("SAFE", "the run has ended")
    assert [verdict["frame"] for verdict in verdicts] == frames_in(tmp_path / "logs")
    assert [verdict["state"] for verdict in verdicts[:4]] == ["PASS", "PASS", "REJECT", "PASS"]


def two_cameras(station, parts, tmp_path, right="alpha", source=None):
    (station.config / "station.yaml").write_text(
        f"""
cameras:
  left: {{source: '{parts}', product: alpha, outputs: [{{kind: file, path: '{tmp_path}/left.json'}}]}}
  right: {{source: '{source or parts}', product: {right}, outputs: [{{kind: file, path: '{tmp_path}/right.json'}}]}}
"""
    )
    return arguments(station, "--log-dir", tmp_path / "logs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_every_camera_in_order(start, station, parts, tmp_path, number):
    process = start(*two_cameras(station, parts, tmp_path, right="beta"))
    process.out.until("left:", "2.png")
    process.out.until("right:", "2.png")
    assert process.end(number) == 0
    told = process.out.rest()
    for camera, product in (("left", "alpha"), ("right", "beta")):
        frames = frames_in(tmp_path / "logs" / camera)
        assert any(line.startswith(f"{camera}: captured {len(frames)} ") for line in told)
        assert state_of(tmp_path / f"{camera}.json") == "SAFE"
        (lines,) = (tmp_path / "logs" / camera).glob("*.jsonl")
        assert {json.loads(line)["product"] for line in lines.read_text().splitlines()} == {product}


def test_a_camera_that_fails_is_reported_at_once_and_the_others_go_on(start, station, parts, tmp_path):
    poison = tmp_path / "poison.png"
    assert cv2.imwrite(str(poison), np.full((48, 64, 3), station.poison, np.uint8))
    process = start(*two_cameras(station, parts, tmp_path, source=poison))
    failed = process.err.until("right: alpha: ONNX Runtime failed")[-1]
    assert "this line ends, its outputs are safe" in failed
    assert state_of(tmp_path / "right.json") == "SAFE"
    process.out.until("left:", "2.png")  # still running
    assert process.end(signal.SIGTERM) == 2
    assert process.err.rest()[-1].startswith("error: 1 of 2 cameras failed: right: alpha: ONNX Runtime failed")
    told = process.out.rest()
    for camera in ("left", "right"):
        assert any(
            line.startswith(f"{camera}: captured {len(frames_in(tmp_path / 'logs' / camera))} ") for line in told
        )
        assert state_of(tmp_path / f"{camera}.json") == "SAFE"


def test_a_reader_that_does_not_read_neither_stops_the_line_nor_keeps_it_from_ending(station, parts, tmp_path):
    """As in `run ... 2>&1 | sleep 1000`."""
    state = tmp_path / "state.json"
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: file, path: '{state}'}}]\n")
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    command = [sys.executable, ROOT / "run_inspector.py", *one_camera(station, parts, tmp_path / "logs")]
    with subprocess.Popen(command, **pipe) as process:
        try:
            end_s = time.monotonic() + PATIENCE_S
            while not state.exists() or json.loads(state.read_text()).get("frame", 0) < 4000:  # pipe and queue are full
                assert time.monotonic() < end_s
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
    assert state_of(state) == "SAFE"
    assert len(frames_in(tmp_path / "logs")) > 4000


def test_a_stage_that_hangs_ends_the_program_although_nobody_reads_why(station, parts, tmp_path):
    state, overlays = tmp_path / "state.json", tmp_path / "overlays"
    overlays.mkdir()
    os.mkfifo(overlays / ".frame-00000402-fail-2.jpg.part")  # whoever writes there waits for ever
    (station.config / "station.yaml").write_text(f"stall_s: 1\noutputs: [{{kind: file, path: '{state}'}}]\n")
    options = one_camera(station, parts, tmp_path / "logs")
    command = [
        sys.executable,
        ROOT / "run_inspector.py",
        *options,
        "--save-overlays",
        overlays,
        "--keep-pass-every",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert process.wait(PATIENCE_S) == 2
        finally:
            process.kill()
        assert b"record has not moved for 1 s (writing to Pictures)" in process.stdout.read()
    assert (state_of(state), "record has not moved" in state.read_text()) == ("SAFE", True)
    assert len(frames_in(tmp_path / "logs")) > 402


def test_a_reader_that_reads_again_is_told_how_much_it_was_not_shown():
    code = """
import sys
from inspector.console import unblocked
with unblocked():
    for number in range(100_000):
        sys.stderr.write("a line\\n")
    print("all written")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stderr.write("the last\\n")
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT) as process:
        assert process.stdout.readline() == b"all written\n"
        told = [process.stderr.readline() for _ in range(1000)]
        process.stdin.write(b"\n")
        process.stdin.close()
        told += process.stderr.readlines()
        assert process.wait(PATIENCE_S) == 0
    dropped = sum(int(line.split()[0].strip(b"(")) for line in told if b"were not shown" in line)
    assert dropped > 0
    assert told.count(b"a line\n") + dropped == 100_000
    assert told[-1] == b"the last\n"


def test_a_program_under_nohup_outlasts_its_terminal(start, station, parts, tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what `nohup` does for a program
    try:
        process = start(*one_camera(station, parts, tmp_path / "logs"))
    finally:
        signal.signal(signal.SIGHUP, before)
    process.out.until("2.png")
    process.signal(signal.SIGHUP)
    for _ in range(5):
        process.out.until("2.png")
    assert process.end(signal.SIGTERM) == 0


def refusals(station):
    """Ways in which a start is refused, and the words that say so."""
    yaml = (station.config / "station.yaml").read_text()
    model = station.model().read_bytes()
    return {
        "station": (lambda: (station.config / "station.yaml").write_text(f"{yaml}stall: 5\n"), "unknown key stall"),
        "recipe": (lambda: station.recipe().write_text("product: alpha\nthreshold: wrong\n"), "alpha.yaml: threshold"),
        "model": (lambda: station.model().write_bytes(model[: len(model) // 2]), "alpha.onnx"),
        "no model": (station.model().unlink, "alpha.onnx"),
    }


@pytest.mark.parametrize("why", ["station", "recipe", "model", "no model"])
def test_a_start_that_is_refused_leaves_no_pass_of_a_killed_run(start, station, parts, tmp_path, why):
    state = tmp_path / "state.json"
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: file, path: '{state}'}}]\n")
    (parts / "2.png").unlink()  # all pass
    process = start(*one_camera(station, parts, tmp_path / "logs"))
    process.out.until("PASS")
    process.out.until("PASS")
    process.end(signal.SIGKILL)
    assert state_of(state) == "PASS"
    add_defect, words = refusals(station)[why]
    add_defect()
    process = start(*one_camera(station, parts, tmp_path / "logs"))
    assert process.wait() == 2
    (line,) = process.err.rest()
    assert words in line
    assert state_of(state) == "SAFE"


def test_outputs_are_safe_before_the_model_is_loaded(start, station, parts, tmp_path):
    state = tmp_path / "state.json"
    state.write_text('{"state": "PASS"}')
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: file, path: '{state}'}}]\n")
    station.recipe().unlink()
    os.mkfifo(station.recipe())  # whoever reads the recipe waits for ever
    process = start(*one_camera(station, parts, tmp_path / "logs"))
    end_s = time.monotonic() + PATIENCE_S
    while state_of(state) != "SAFE":
        assert time.monotonic() < end_s
        time.sleep(0.05)
    process.end(signal.SIGKILL)


def test_two_runs_do_not_share_an_output(start, station, parts, tmp_path):
    state = tmp_path / "state.json"
    (station.config / "station.yaml").write_text(f"outputs: [{{kind: file, path: '{state}'}}]\n")
    first = start(*one_camera(station, parts, tmp_path / "logs"))
    first.out.until("2.png")
    second = start(*one_camera(station, parts, tmp_path / "more"))
    assert second.wait() == 2
    assert second.err.rest()[-1].endswith("another run drives this output: end it, or give this one its own")
    first.out.until("2.png")  # it goes on
    assert state_of(state) != "SAFE"
    first.end(signal.SIGKILL)  # the lock goes with it
    third = start(*one_camera(station, parts, tmp_path / "more"))
    third.out.until("2.png")
    assert third.end(signal.SIGTERM) == 0


def test_while_its_controller_is_away_a_line_rejects_every_part_and_goes_on(start, station, parts, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, state = server.getsockname()[1], tmp_path / "state.json"
        (station.config / "station.yaml").write_text(
            f"outputs: [{{kind: tcp, host: 127.0.0.1, port: {port}}}, {{kind: file, path: '{state}'}}]\n"
        )
        process = start(*one_camera(station, parts, tmp_path / "logs"), "--fps", "50")
        connection, _ = server.accept()
        process.out.until("PASS")
        connection.close()
        assert "every part is rejected until it is back" in process.err.until("the controller is gone")[-1]
        missed = process.out.until("MISSED")
        assert "output: tcp 127.0.0.1" in missed[-1]
        assert state_of(state) == "REJECT"
        connection, _ = server.accept()
        process.err.until("is back")
        process.out.until("PASS")
        with connection, connection.makefile() as lines:
            assert json.loads(lines.readline())["state"] == "SAFE"
            assert any(json.loads(line).get("state") == "PASS" for line in lines)
            assert process.end(signal.SIGTERM) == 0
    frames_in(tmp_path / "logs")


def test_a_state_file_gets_older_than_its_period_only_when_nobody_is_there(start, station, parts, tmp_path):
    state = tmp_path / "state.json"
    (station.config / "station.yaml").write_text(f"heartbeat_s: 0.2\noutputs: [{{kind: file, path: '{state}'}}]\n")
    process = start(*one_camera(station, parts, tmp_path / "logs"), "--fps", "0.01")  # one part, and then none
    process.out.until("PASS")
    first = told = json.loads(state.read_text())
    end_s = time.monotonic() + PATIENCE_S
    while told["number"] < first["number"] + 5:
        assert time.monotonic() < end_s
        told = json.loads(state.read_text())
        assert (told["frame"], told["period_s"]) == (0, 0.2)
    process.end(signal.SIGKILL)
    last = state.read_text()
    time.sleep(0.5)
    assert state.read_text() == last
