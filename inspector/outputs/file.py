"""The state in a file, for any program that can read one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from inspector.errors import OutputError
from inspector.files import replacing
from inspector.outputs.base import safe_message, verdict_message
from inspector.records import Inspection


class FileOutput:
    """Keeps one line of JSON in a file: the last verdict, or SAFE. A reader never sees half a line.

    It is the state of a line that runs: a program that is killed leaves the last one behind. Where that matters, use
    `tcp`, whose connection ends with the program. Where SAFE cannot be written (a full disk) the file is removed: no
    file means SAFE, too. Raises OutputError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.safe("starting")

    def apply(self, inspection: Inspection) -> None:
        self._write(verdict_message(inspection))

    def safe(self, why: str) -> None:
        try:
            self._write(safe_message(why))
        except OutputError:
            with contextlib.suppress(OSError):
                self._path.unlink()
            raise

    def close(self) -> None:
        """Nothing to release; the file stays."""

    def _write(self, line: str) -> None:
        try:
            with replacing(self._path) as part:
                part.write_text(line + "\n", encoding="ascii")
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self._path}: cannot write the output's state ({reason}): check the disk") from error
