"""Training in a process of its own, at low priority: its progress, and its report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

PROGRESS = "progress "  # how a line on stderr begins that tells it: SHARE WHAT
TOLD = 20  # last lines of what it said, kept for when it fails
NICENESS = "15"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A good picture that training says to look at."""

    name: str  # of its file
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What training made, for people."""

    utc: datetime  # of its end
    images: int
    seconds: float
    ms_per_part: float
    threshold: float
    budget: float  # share of good parts that may be rejected
    guaranteed: bool
    caught: dict[str, float] = field(default_factory=dict)  # share of synthetic defects, by kind
    suspects: tuple[Suspect, ...] = ()


class Training:
    """One `line-inspector train`. It ends with this program, or when it is cancelled.

    `done` gets its report, on a thread of its own, before `running` says that it is over.
    """

    def __init__(self, options: Sequence[str], done: Callable[[Report], None] = lambda report: None) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._said: deque[str] = deque(maxlen=TOLD)
        self._share, self._step = 0.0, "starting"
        self._cancelled = False
        self._report: Report | None = None
        self._process = subprocess.Popen(
            [*_gently(), sys.executable, "-m", "run_inspector", "train", *options, "--json", "--progress"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
        )
        self._threads = [
            threading.Thread(target=read, name="page-training", daemon=True) for read in (self._listen, self._collect)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def running(self) -> bool:
        """Whether it still works; when not, all it said is here."""
        return any(thread.is_alive() for thread in self._threads) or self._process.poll() is None

    @property
    def progress(self) -> tuple[float, str]:
        """(share done, 0 to 1; what it does)."""
        with self._lock:
            return self._share, self._step

    @property
    def report(self) -> Report | None:
        """What it made; None while it runs, and where it failed."""
        return None if self.running else self._report

    @property
    def failure(self) -> str:
        """Why it failed, in a line; empty while it runs, and where it did not."""
        if self.running or self._process.returncode == 0:
            return ""
        if self._cancelled:
            return "it was stopped"
        with self._lock:
            lines = [line for line in self._said if line.strip()]
        last = lines[-1] if lines else f"it ended with code {self._process.returncode}"
        return last.removeprefix("error: ")

    def cancel(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._cancelled = True
            self._process.terminate()
        self._process.wait()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._hear(line)

    def _hear(self, line: str) -> None:
        share, _, step = line.removeprefix(PROGRESS).strip().partition(" ")
        with self._lock:
            if line.startswith(PROGRESS):
                self._share, self._step = float(share), step
            else:
                self._said.append(line.rstrip())

    def _collect(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as out:
            said = out.read()
        if self._process.wait() == 0:
            self._report = _report(json.loads(said))
            self._done(self._report)


def _gently() -> list[str]:
    """What lets a process have only what the line leaves; Windows knows a priority instead."""
    nice = shutil.which("nice") if os.name == "posix" else None
    return [nice, "-n", NICENESS] if nice else []


def _report(said: dict[str, Any]) -> Report:
    quality = [Suspect(Path(each["file"]).name, f"{each['fault']}: {each['advice']}") for each in said["quality"]]
    strange = [Suspect(Path(path).name, "it stands out from the other good parts") for path in said["suspects"]]
    return Report(
        utc=datetime.now(timezone.utc),
        images=said["images"],
        seconds=said["seconds"],
        ms_per_part=said["ms_per_part"],
        threshold=said["threshold"],
        budget=said["false_rejects"],
        guaranteed=said["guaranteed"],
        caught=said["synthetic_defects"]["caught"],
        suspects=(*strange, *quality),
    )
