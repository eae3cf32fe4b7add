"""One line per part on a terminal or in a pipe."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
from typing import TextIO

from rich.console import Console

from inspector.errors import SinkError
from inspector.records import Counts, Inspection, Verdict
from inspector.text import told_apart

GREEN, BOLD_RED, BOLD_YELLOW, PLAIN = "\x1b[32m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[0m"
COLOURS = {Verdict.PASS: GREEN, Verdict.FAIL: BOLD_RED, Verdict.MISSED: BOLD_YELLOW}


class TerminalSink:
    """Writes a line per part to `stream`, coloured where it is a terminal and NO_COLOR is not set.

    `name` stands in front where several cameras share the stream.

    When the reader is gone (`| head`), the sink falls silent and the run goes on: a line must not stop inspecting,
    rejecting and logging because somebody closed a pager. Any other failure to write raises SinkError.
    """

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self._stream = stream
        self._prefix = f"{name}: " if name else ""
        self._coloured = _takes_colour(stream)
        self._reader_gone = False

    def write(self, inspection: Inspection, counts: Counts) -> None:
        if self._reader_gone:
            return
        try:
            line = self._prefix + line_of(inspection, coloured=self._coloured)
            self._stream.write(_encodable(line, self._stream) + "\n")
            self._stream.flush()
        except OSError as error:
            if not _is_broken_pipe(error):
                raise SinkError(f"cannot write verdicts to the terminal or pipe: {error.strerror}") from error
            self._reader_gone = True
            _silence(self._stream)

    def close(self) -> None:
        """Do nothing: every line was flushed, and the stream is the caller's."""


def line_of(inspection: Inspection, *, coloured: bool = False) -> str:
    """Return one inspection as one aligned line of text, without its line end."""
    verdict = f"{inspection.verdict.name:<6}"
    if coloured:
        verdict = f"{COLOURS[inspection.verdict]}{verdict}{PLAIN}"
    rest = "  ".join([*_why(inspection), inspection.part])
    return f"{inspection.index:6d}  {verdict}  {_printable(rest)}".rstrip()


def _printable(text: str) -> str:
    """Replace what a terminal would obey: a file's name may hold line breaks and codes."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _why(inspection: Inspection) -> list[str]:
    if inspection.verdict is Verdict.MISSED:
        cause = "unknown" if inspection.cause is None else inspection.cause.value
        return [f"{cause}: {inspection.detail}" if inspection.detail else cause]
    worst = "-" if inspection.worst_patch is None else "{},{}".format(*inspection.worst_patch)
    place = f"worst region {inspection.worst_region}" if inspection.worst_region else f"worst patch {worst:<5}"
    score, threshold = told_apart(inspection.score, inspection.threshold)
    latency = "-" if math.isnan(inspection.latency_ms) else f"{inspection.latency_ms:.1f}"
    words = [inspection.percentile_in_words] if inspection.verdict.reject and inspection.percentile_in_words else []
    return [f"score {score:>8} / {threshold:<8}", place, f"{latency:>7} ms", *words]


def _is_broken_pipe(error: OSError) -> bool:
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def _takes_colour(stream: TextIO) -> bool:
    """Return whether a stream takes colour codes. Rich knows terminals and NO_COLOR.

    Very old Windows consoles would print the codes as they are.
    """
    console = Console(file=stream)
    return console.color_system is not None and not console.no_color and not console.legacy_windows


def _encodable(text: str, stream: TextIO) -> str:
    """Return the text with `?` for what the stream's encoding lacks: a part's name must not stop the line."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _silence(stream: TextIO) -> None:
    """Send what is still buffered nowhere, or Python would complain about the closed pipe when it ends."""
    with contextlib.suppress(io.UnsupportedOperation):
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
