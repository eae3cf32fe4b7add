"""Whether a camera works, step by step: it stops at the first that fails, and says what to do next.

The steps follow what each needs from the one before: packages, driver, device, connection, settings, picture.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import numpy as np

from inspector.cameras.base import Camera
from inspector.cameras.device import camera_name, find_devices
from inspector.doctor.examination import look_at_opencv
from inspector.doctor.report import CheckState, look_at_packages
from inspector.errors import CameraError, CameraLost, EndOfStream, InspectorError
from inspector.page.sources import Target
from inspector.records import Image

NAMES = ("dependency", "driver", "device", "connection", "settings", "picture")
NETWORK = ("rtsp://", "rtsps://", "http://", "https://")
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
CONNECT_S = 3.0
PICTURE_S = 15.0  # a camera that gives none for so long gives none
DARK, BRIGHT, FLAT = 8.0, 247.0, 1.0  # mean luminance beyond which nothing can be seen; its spread, 0 to 255
Outcome = Literal["good", "lost", "none"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at."""

    name: str
    outcome: Outcome  # none: not reached
    words: str = ""
    next: str = ""  # what to do; empty where all is well


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All steps, in order, and the picture, where the last one was reached."""

    steps: tuple[Step, ...]
    image: Image | None = None

    @property
    def works(self) -> bool:
        """Whether every step went well."""
        return all(step.outcome == "good" for step in self.steps)


class _Failed(Exception):
    """A step that went wrong: what is wrong, and what to do."""

    def __init__(self, words: str, advice: str) -> None:
        super().__init__(words)
        self.words = words
        self.advice = advice


def diagnose(target: Target, dev: Path = Path("/dev")) -> Diagnosis:
    """Look at a source. Takes up to a quarter of a minute, where no picture comes."""
    run = _Run(target, dev)
    done: list[Step] = []
    try:
        for name, step in zip(NAMES, run.steps(), strict=True):
            done.append(Step(name, "good", step()))
    except _Failed as failed:
        done.append(Step(NAMES[len(done)], "lost", failed.words, failed.advice))
    finally:
        run.close()
    rest = (Step(name, "none", "not reached") for name in NAMES[len(done) :])
    return Diagnosis((*done, *rest), run.image)


class _Run:
    """The steps of one diagnosis; each returns what it found, or raises _Failed."""

    def __init__(self, target: Target, dev: Path) -> None:
        self._target = target
        self._source = target.source
        self._dev = dev
        self._opened: Camera | None = None
        self._refused = ""  # what the camera said of its settings when it was opened
        self.image: Image | None = None

    def steps(self) -> Iterator[Callable[[], str]]:
        """In the order of NAMES."""
        yield from (self._dependency, self._driver, self._device, self._connection, self._settings, self._picture)

    def close(self) -> None:
        """Give the camera back."""
        if self._opened is not None:
            self._opened.__exit__(None, None, None)

    @property
    def _is_network(self) -> bool:
        return self._source.lower().startswith(NETWORK)

    @property
    def _index(self) -> int | None:
        return int(self._source) if self._source.isascii() and self._source.isdecimal() else None

    def _dependency(self) -> str:
        for finding in (*look_at_packages(), *look_at_opencv()):
            if finding.needed and finding.state is CheckState.MISSING:
                raise _Failed(f"{finding.name}: {finding.value}", finding.advice)
        return "all packages are installed and load"

    def _driver(self) -> str:
        if self._is_network:
            return "not needed for a camera of the network"
        if self._index is None and not self._source.startswith("/dev/"):
            return "not needed for files"
        if sys.platform != "linux":
            return "the system's own"
        nodes = sorted(self._dev.glob("video*"))
        if not nodes:
            raise _Failed(
                "the system shows no camera at all",
                "Plug the camera in, straight into the computer. If it stays away, install the driver of its maker, "
                "or use a camera of the network.",
            )
        return ", ".join(path.name for path in nodes)

    def _device(self) -> str:
        if self._is_network:
            return self._host()
        if self._index is None:
            return self._path(Path(self._source))
        node = self._dev / f"video{self._index}"
        if sys.platform == "linux" and not node.exists():
            there = ", ".join(find_devices(self._dev)) or "none"
            raise _Failed(f"there is no camera {self._index}", f"Take one of those found: {there}.")
        return self._path(node) if sys.platform == "linux" else f"camera {self._index}"

    def _host(self) -> str:
        parts = urlsplit(self._source)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host:
            raise _Failed("the address names no host", "Write it as rtsp://HOST:PORT/PATH; the camera's manual has it.")
        try:
            socket.getaddrinfo(host, port)
        except (OSError, UnicodeError):
            raise _Failed(
                f"nobody is called {host}", "Check the name, or give the camera's number, for example 192.168.0.20."
            ) from None
        return f"{host} is known"

    def _path(self, path: Path) -> str:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise _Failed(
                f"{path}: {error.strerror}",
                "Give a camera's number (0, 1, ...), an address rtsp:// or http://, a folder, or a video.",
            ) from None
        if not os.access(path, os.R_OK):
            who = "add the user to the group `video` and log in again" if stat.S_ISCHR(mode) else "change its rights"
            raise _Failed(f"{path}: may not be read by this program", f"Let it: {who}.")
        return f"{path} is there"

    def _connection(self) -> str:
        if self._is_network:
            self._answers()
        name = camera_name(self._source if self._index is None else self._index)
        try:
            camera = self._target.open()
            camera.__enter__()
        except InspectorError as error:
            if "asked for" in str(error):  # it was opened, and refused a setting: the next step tells that
                self._refused = str(error)
                return f"{name} opens"
            raise _Failed(
                str(error), "Is another program, or a running line, using it? End that one, then try again."
            ) from None
        self._opened = camera
        return f"{name} opens"

    def _answers(self) -> None:
        parts = urlsplit(self._source)
        port = parts.port or PORTS[parts.scheme.lower()]
        try:
            socket.create_connection((str(parts.hostname), port), CONNECT_S).close()
        except OSError as error:
            raise _Failed(
                f"{parts.hostname}, port {port}: {error.strerror or 'no answer'}",
                "Is the camera switched on, and in this network? Try its address in a browser; check its cable.",
            ) from None

    def _settings(self) -> str:
        if self._refused:
            raise _Failed(self._refused, "Leave the setting out, or give one that the camera can do.")
        rate_hz = self._target.rate_hz
        return f"{rate_hz:g} pictures a second are accepted" if rate_hz else "the camera's own"

    def _picture(self) -> str:
        assert self._opened is not None
        image = self._first(self._opened)
        self.image = image
        found = f"{image.shape[1]} x {image.shape[0]} px"
        mean, spread = float(image.mean()), float(np.std(image.mean(axis=2)))
        if mean < DARK:
            raise _Failed(f"{found}, but it is black", "Take the cap off the lens, switch the lamp on, expose longer.")
        if mean > BRIGHT:
            raise _Failed(f"{found}, but it is white", "Expose shorter, close the lens, or dim the lamp.")
        if spread < FLAT:
            raise _Failed(f"{found}, but there is nothing in it", "Is the lens in focus, and does it see the line?")
        return found

    def _first(self, camera: Camera) -> Image:
        until_s = time.monotonic() + PICTURE_S
        last = "no picture came"
        while time.monotonic() < until_s:
            try:
                frame = camera.read(1.0)
            except InspectorError as error:
                last = str(error)
                if isinstance(error, (CameraLost, EndOfStream)) or not isinstance(error, CameraError):
                    break
                continue
            if frame is not None:
                return frame.image
        raise _Failed(last, "Check cable and power. Does the camera wait for a trigger? Then let a part pass.")
