"""From what the station's file says to the outputs that it means."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from inspector.errors import InspectorError, OutputError
from inspector.outputs.base import Output, OutputLines
from inspector.outputs.file import FileOutput
from inspector.outputs.guarded import GuardedOutput
from inspector.outputs.tcp import TcpOutput
from inspector.station import StationCamera, Target, TcpTarget


def open_outputs(cameras: Mapping[str, StationCamera], period_s: float = 1.0) -> dict[str, list[Output]]:
    """Return the outputs of each camera, in their safe state; the caller closes them.

    One that cannot be opened does not keep the others from safety. Raises OutputError then, and leaves none open.
    """
    opened: dict[str, list[Output]] = {name: [] for name in cameras}
    errors = []
    for name, camera in cameras.items():
        for target in camera.outputs:
            try:
                opened[name].append(_open(target, OutputLines(name, camera.product, period_s)))
            except OutputError as error:
                errors.append(error)
    if errors:
        close_safely(opened, str(errors[0]))
        raise errors[0]
    return opened


def close_safely(opened: Mapping[str, Sequence[Output]], why: str) -> None:
    """Drive outputs to their safe state and release them: there will be no run."""
    for output in (output for several in opened.values() for output in several):
        with contextlib.suppress(OutputError):
            output.safe(f"not started: {why}")
        output.close()


def make_safe(targets: Sequence[Target], why: str) -> None:
    """Drive outputs to safety that were not opened yet, as far as they can be reached and no other run has them."""
    for target in targets:
        with contextlib.suppress(InspectorError):
            close_safely({"": [_open(target, OutputLines())]}, why)


def _open(target: Target, lines: OutputLines) -> Output:
    """Open one output. A new kind is one more case here, and a model in inspector.station."""
    if isinstance(target, TcpTarget):
        name = f"{target.host.lower()}-{target.port}".replace(":", "_").replace("/", "_")
        lock = Path(tempfile.gettempdir()) / f"line-inspector-{name}.lock"
        reopen = partial(TcpOutput, target.host, target.port, lines, acknowledged=target.acknowledged)
        return GuardedOutput(target.name, reopen, lock, retries=target.when_lost == "retry")
    path = Path(target.path)
    return GuardedOutput(target.name, partial(FileOutput, path, lines), _beside(path), retries=False)


def _beside(path: Path) -> Path:
    """Return one lock for one file, whatever link leads to it."""
    real = path.resolve()
    return real.with_name(f".{real.name}.lock")
