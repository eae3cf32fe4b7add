"""From what the station's file says to the outputs that it means."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from inspector.outputs.base import Output
from inspector.outputs.file import FileOutput
from inspector.outputs.tcp import TcpOutput
from inspector.station import Target, TcpTarget


def open_outputs(targets: Sequence[Target]) -> list[Output]:
    """The outputs, opened and in their safe state; the caller closes them. Raises OutputError, and leaves none open."""
    with ExitStack() as undo:
        outputs = []
        for target in targets:
            outputs.append(_open(target))
            undo.callback(outputs[-1].close)
        undo.pop_all()
        return outputs


def _open(target: Target) -> Output:
    """A new kind of output is one more line here, and a type in inspector.station."""
    if isinstance(target, TcpTarget):
        return TcpOutput(target.host, target.port)
    return FileOutput(Path(target.path))
