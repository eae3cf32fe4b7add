"""The state in a file, for any program that can read one."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from inspector.errors import OutputError
from inspector.files import replacing
from inspector.outputs.base import OutputLines
from inspector.records import Inspection


class FileOutput:
    """Keeps one line of JSON in a file: the last verdict, or SAFE. A reader never sees half a line.

    A program that is killed leaves the last state behind. It is as old as its time says: while the program runs, the
    line is written anew, with another number and time, within each period. Where SAFE cannot be written (a full disk)
    the file is removed: no file means SAFE, too. Raises OutputError.
    """

    away = ""

    def __init__(self, path: Path, lines: OutputLines | None = None) -> None:
        self._path = path
        self._lines = lines or OutputLines()
        self._turn = threading.Lock()  # what is written last is what was told last
        self.safe("starting")

    def apply(self, inspection: Inspection) -> None:
        with self._turn:
            self._write(self._lines.verdict(inspection))

    def beat(self) -> None:
        """Write the last line anew."""
        with self._turn:
            self._write(self._lines.again())

    def safe(self, why: str) -> None:
        with self._turn:
            try:
                self._write(self._lines.safe(why))
            except OutputError:
                with contextlib.suppress(OSError):
                    self._path.unlink()
                raise

    def close(self) -> None:
        """Do nothing: the file stays."""

    def _write(self, line: str) -> None:
        try:
            with replacing(self._path) as part:
                part.write_text(line + "\n", encoding="ascii")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self._path}: cannot write the output's state ({reason}): check the disk") from error
