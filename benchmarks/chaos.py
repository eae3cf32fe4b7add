"""Kills and damages a running line at random and tells in one line what came of it.

    python -m benchmarks.chaos [--minutes 10] [--seed 0]

A line of good, defective and damaged parts (JPEG files that were cut or partly overwritten) runs as a process of its
own, with a log, a state file and a controller that answers over TCP. Again and again something happens to it: it is
killed or suspended, asked to end, its controller leaves or falls silent; in every other round nobody reads what it
prints. SAFE is what the controller may take for it: a line that says so, the end of the connection, or silence beyond
the heartbeat's period; where the controller itself is the fault, a state file that is not PASS. Needs POSIX.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.scenarios import tiny_model
from inspector.recipe import ColourSettings, Recipe, write_recipe
from inspector.sinks.mending import mend

PRODUCT = "tiny"
STALL_S = 5.0
PERIOD_S = 1.0  # of the heartbeat
FPS = 100
PARTS = 40  # of each kind
DARK, BRIGHT = 40, 220
THRESHOLD = 0.7  # of 1.0; a defect is bright, and what a decoder puts in place of it, gray at 0.5, would pass
PATIENCE_S = 60.0
SIGNALS = {name: getattr(signal, f"SIG{name}") for name in ("KILL", "STOP", "TERM", "INT", "HUP", "QUIT")}
FAULTS = (*SIGNALS, "leave", "mute")  # the last two are the controller's


class Controller:
    """Listens, answers each line with its number, and remembers what it heard on its last connection."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.forget()
        threading.Thread(target=self._serve, daemon=True).start()

    def forget(self) -> None:
        """A new round."""
        self.told: dict[int, bool] = {}  # by frame: whether it passes
        self.safe_s: float | None = None  # when it last went safe, or the connection ended
        self.heard_s = time.monotonic()
        self.mute = self.leave = False

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection, connection.makefile() as lines, contextlib.suppress(OSError):
                for line in lines:
                    if not line.endswith("\n") or self.leave:
                        break
                    self._take(json.loads(line))
                    if not self.mute:
                        connection.sendall(f"{json.loads(line)['number']}\n".encode())
            self.safe_s = time.monotonic()
            self.leave = False

    def _take(self, message: dict[str, object]) -> None:
        self.heard_s = time.monotonic()
        if message.get("state") == "SAFE":
            self.safe_s = self.heard_s
        elif "frame" in message:
            self.safe_s = None
            self.told[int(str(message["frame"]))] = message["state"] == "PASS"


class Tally:
    """What came of all rounds."""

    def __init__(self) -> None:
        self.frames = self.kills = self.damaged = self.passed = self.lost = 0
        self.safe_s: list[float] = []

    def read(self, logs: Path, told: dict[int, bool]) -> None:
        """Compare a round's log with what its controller was told."""
        mend(logs)
        for table in logs.glob("*.csv"):
            with table.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.frames += len(rows)
            self.damaged += sum("damaged" in row["part"] for row in rows)
            self.passed += sum(row["verdict"] == "pass" and "bad" in row["part"] for row in rows)
            logged = {int(row["frame"]): row["verdict"] == "pass" for row in rows}
            self.lost += sum(logged.get(frame) is not passes for frame, passes in told.items())
            self.lost += len(set(range(len(rows))) - set(logged))

    def line(self) -> str:
        p50, most = np.percentile(self.safe_s, [50, 100]) if self.safe_s else (np.nan, np.nan)
        return (
            f"frames {self.frames}, kills {self.kills}, damaged frames {self.damaged}, "
            f"defective parts passed {self.passed}, verdicts lost {self.lost}, "
            f"seconds until SAFE p50 {p50:.2f}, max {most:.2f} (of {len(self.safe_s)} faults)"
        )


def make_parts(folder: Path, chance: random.Random) -> None:
    """Good, defective, and defective parts whose files are damaged."""
    folder.mkdir()
    noise = np.random.default_rng(chance.randrange(1 << 30))
    for number in range(PARTS):
        for kind, brightness in (("good", DARK), ("bad", BRIGHT)):
            pixels = DARK + noise.integers(-15, 15, (240, 320, 3))
            pixels[160:] += brightness - DARK  # below, where a file that was cut has nothing
            pixels = pixels.astype(np.uint8)
            data = cv2.imencode(".jpg", pixels)[1].tobytes()
            (folder / f"{number:03d}-{kind}.jpg").write_bytes(data)
        (folder / f"{number:03d}-bad-damaged.jpg").write_bytes(_damaged(data, chance))


def _damaged(data: bytes, chance: random.Random) -> bytes:
    """Cut, cut with an end marker, or with a block of zeros in the middle."""
    at = chance.randrange(len(data) // 5, len(data) - 4)
    block = data[:at] + bytes(min(4096, len(data) - at)) + data[at + 4096 :]
    return chance.choice((data[:at], data[:at] + b"\xff\xd9", block))


@contextlib.contextmanager
def running(home: Path, logs: Path, *, read: bool) -> Iterator[subprocess.Popen[bytes]]:
    """The line as a process; without `read`, nobody reads what it prints."""
    program = str(Path(__file__).parent.parent / "run_inspector.py")
    options = ["--product", PRODUCT, "--source", home / "parts", "--loop", "--fps", FPS, "--log-dir", logs]
    folders = ["--model-dir", home / "models", "--config-dir", home / "config"]
    command = [sys.executable, program, "run", *map(str, (*options, *folders))]
    pipe = subprocess.DEVNULL if read else subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def play(home: Path, controller: Controller, chance: random.Random, number: int, tally: Tally) -> None:
    """One round: start, let it run, harm it, wait for SAFE, end it, count."""
    logs, state, fault = home / f"logs-{number}", home / "state.json", chance.choice(FAULTS)
    controller.forget()
    with running(home, logs, read=number % 2 == 0) as process:
        _wait(lambda: len(controller.told) > chance.randrange(1, 500), process)
        since_s = time.monotonic()
        if fault in SIGNALS:
            controller.safe_s = None
            process.send_signal(SIGNALS[fault])
            tally.kills += 1
            _wait(lambda: controller.safe_s is not None or _silent(controller), process)
            tally.safe_s.append((controller.safe_s or time.monotonic()) - since_s)
        else:
            controller.leave, controller.mute = fault == "leave", fault == "mute"
            _wait(lambda: json.loads(state.read_text())["state"] != "PASS", process)
            tally.safe_s.append(time.monotonic() - since_s)
            controller.mute = False
        if fault not in ("KILL", "STOP"):
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
    tally.read(logs, controller.told)


def _silent(controller: Controller) -> bool:
    return time.monotonic() - controller.heard_s > PERIOD_S


def _wait(until: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not until():
        if time.monotonic() > end_s:
            raise TimeoutError(f"nothing within {PATIENCE_S:g} s; the program's exit code is {process.poll()}")
        time.sleep(0.005)


def main() -> None:
    """Rounds until the time is over, then one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance, controller, tally = random.Random(arguments.seed), Controller(), Tally()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "models").mkdir()
        (home / "config").mkdir()
        tiny_model(home / "models" / f"{PRODUCT}.onnx")
        write_recipe(
            home / "config", Recipe(product=PRODUCT, colour=ColourSettings(enhance="none"), threshold=THRESHOLD)
        )
        target = f"{{kind: tcp, host: 127.0.0.1, port: {controller.port}, acknowledged: true}}"
        outputs = f"outputs: [{target}, {{kind: file, path: '{home / 'state.json'}'}}]"
        (home / "config" / "station.yaml").write_text(f"stall_s: {STALL_S}\nheartbeat_s: {PERIOD_S}\n{outputs}\n")
        make_parts(home / "parts", chance)
        end_s, number = time.monotonic() + 60 * arguments.minutes, 0
        while time.monotonic() < end_s:
            play(home, controller, chance, number, tally)
            number += 1
    print(tally.line())


if __name__ == "__main__":
    main()
