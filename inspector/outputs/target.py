"""From what the station's file says to the outputs that it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from inspector.outputs.base import Output
from inspector.outputs.file import FileOutput
from inspector.outputs.tcp import TcpOutput
from inspector.station import Target, TcpTarget


@contextmanager
def open_outputs(targets: Sequence[Target]) -> Iterator[list[Output]]:
    """The outputs, opened and in their safe state, closed again at the end. Raises OutputError."""
    with ExitStack() as stack:
        outputs = []
        for target in targets:
            outputs.append(_open(target))
            stack.callback(outputs[-1].close)
        yield outputs


def _open(target: Target) -> Output:
    """A new kind of output is one more line here, and a type in inspector.station."""
    if isinstance(target, TcpTarget):
        return TcpOutput(target.host, target.port)
    return FileOutput(Path(target.path))
