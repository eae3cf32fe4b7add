"""The log: one row per part, as CSV and as JSON Lines.

A row is one line and one write in each file, on a descriptor opened for appending: first in the CSV, then in the JSON
Lines. A verdict that was announced is whole in both. SIGKILL may tear the row under way, for the kernel copies page by
page; the next run cuts it off (see `mending`). A disk that runs full may take half a row; that half is cut off again
before the error is raised. The files are synced to the disk when the log is closed, not after each row: a row is safe
from a crash of the program at once, and from a power cut once the operating system has written it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from itertools import count
from pathlib import Path

from inspector.errors import SinkError
from inspector.records import Counts, Inspection
from inspector.sinks.log_row import COLUMNS, csv_line, json_line, row_of
from inspector.sinks.mending import hold, mend

_logger = logging.getLogger(__name__)
LARGEST = 100_000_000  # bytes of a table


class LogSink:
    """Writes `line-<UTC start>.csv` and `.jsonl` into a folder, made where it is missing.

    A name that exists gets a suffix; of older logs, only what a killed run left torn is cut off. Two new files are
    begun with a new day (UTC), when the table has `largest` bytes, and where another program has cut one of the two.
    Raises SinkError, at once if the folder cannot be written, and whenever a row cannot be kept: it is then in neither
    file.
    """

    def __init__(self, folder: Path, utc_now: Callable[[], datetime], largest: int = LARGEST) -> None:
        self._folder = folder
        self._utc_now = utc_now
        self._largest = largest
        mend(folder)
        self._begin(self._utc())

    @property
    def paths(self) -> tuple[Path, Path]:
        """The CSV file and the JSON Lines file, at present."""
        return self._csv.path, self._jsonl.path

    def write(self, inspection: Inspection, counts: Counts) -> None:
        utc = self._utc()
        if utc.date() > self._day or self._csv.size >= self._largest:
            self._go_on(utc)
        elif self._csv.was_cut() or self._jsonl.was_cut():
            _logger.error("%s: another program has cut it: rows may be lost; the log rotates by itself", self._csv.path)
            self._go_on(utc)
        row = row_of(inspection, utc)
        self._csv.append(_bytes(row.values()))
        try:
            self._jsonl.append(json_line(row))
        except SinkError:
            self._csv.take_back()
            raise

    def close(self) -> None:
        with contextlib.closing(self._jsonl):
            self._csv.close()

    def _utc(self) -> datetime:
        return self._utc_now().astimezone(timezone.utc)

    def _begin(self, utc: datetime) -> None:
        self._day = utc.date()
        self._csv, self._jsonl = _open_pair(self._folder, f"line-{utc:%Y%m%dT%H%M%SZ}")
        try:
            self._csv.append(_bytes(COLUMNS))
        except SinkError:
            self.close()
            raise

    def _go_on(self, utc: datetime) -> None:
        """Go on in two new files. The old ones are not synced: the line would have to wait for the disk."""
        old = self._csv, self._jsonl
        self._begin(utc)
        for file in old:
            file.leave()
        _logger.info("the log goes on in %s", self._csv.path)


class _Appender:
    """A new file that takes a row as a whole or not at all, unless the program is killed."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises FileExistsError, and OSError where the file cannot be made."""
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o644)
        self._end = 0  # before the last row
        self.size = 0  # as far as this program has written it
        hold(self._descriptor)

    def append(self, row: bytes) -> None:
        state = os.fstat(self._descriptor)
        self._end = state.st_size
        if not state.st_nlink:
            raise SinkError(f"{self.path}: the log was deleted while it was written: start again")
        try:
            written = os.write(self._descriptor, row)
            reason = "" if written == len(row) else "the disk is full"
        except OSError as error:
            reason = error.strerror or str(error)
        self.size = self._end + len(row)
        if reason:
            self.take_back()
            raise SinkError(f"{self.path}: cannot write the log ({reason}): free space on its disk, then start again")

    def was_cut(self) -> bool:
        """Return whether there is less than was written."""
        return os.fstat(self._descriptor).st_size < self.size

    def take_back(self) -> None:
        """Cut off the last row, or what there is of it."""
        self.size = self._end
        with contextlib.suppress(OSError):  # where even this fails, the error on its way says enough
            os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise SinkError(f"{self.path}: the log did not reach the disk ({error.strerror}): check it") from error
        finally:
            os.close(self._descriptor)

    def leave(self) -> None:
        """Close it as it is."""
        os.close(self._descriptor)

    def discard(self) -> None:
        self.leave()
        self.path.unlink()


def _open_pair(folder: Path, stem: str) -> tuple[_Appender, _Appender]:
    """Return the first name of which neither file exists: stem, stem-2, stem-3 and so on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pairs = (_try_pair(folder, stem if number == 1 else f"{stem}-{number}") for number in count(1))
        return next(pair for pair in pairs if pair)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SinkError(f"{folder}: cannot write the log here ({reason}): give a folder that can be written") from error


def _try_pair(folder: Path, stem: str) -> tuple[_Appender, _Appender] | None:
    try:
        table = _Appender(folder / f"{stem}.csv")
    except FileExistsError:
        return None
    try:
        return table, _Appender(folder / f"{stem}.jsonl")
    except OSError as error:
        table.discard()
        if isinstance(error, FileExistsError):
            return None
        raise


def _bytes(values: Iterable[object]) -> bytes:
    return csv_line(values).encode("utf-8", "backslashreplace")  # a file's name may hold bytes that are no text
