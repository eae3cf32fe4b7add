"""Repair what a killed run has left of its log.

A write is no single step for the kernel: it copies page by page, and between two pages SIGKILL may end it. So the row
that was under way may be torn, or be in one file of the two. Its verdict was not announced yet.
"""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

_logger = logging.getLogger(__name__)

_NAME = re.compile(r"line-\d{8}T\d{6}Z(-\d+)?\.csv")
_CHUNK = 1 << 16
_FRAME = "frame"  # the column that both files have in common


def hold(descriptor: int) -> None:
    """Say that this file is being written, until it is closed. Waits for a program that looks at it at this moment.

    On Windows, and on file systems without such locks, that cannot be known, and nothing is cut off.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def mend(folder: Path) -> None:
    """Cut off the row that a killed run was writing, in all logs of this folder that are not being written.

    A log is touched only where that makes both of its files end with the same frame.
    """
    for table in sorted(folder.glob("line-*.csv")):
        lines = table.with_suffix(".jsonl")
        if _NAME.fullmatch(table.name) and lines.is_file():
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError, csv.Error):
                _mend_pair(table, lines)  # suppressed: it is being written, may not be, or is no log of this kind


def _mend_pair(table: Path, lines: Path) -> None:
    with _alone(table) as rows, _alone(lines) as objects:
        (row, row_start, row_end), (text, _, text_end) = _last_line(rows), _last_line(objects)
        in_table, in_lines = _frame_in_table(rows, row), json.loads(text)[_FRAME] if text else -1
        first = rows.seek(0) == 0 and row_start == len(rows.readline())  # of the file: a later one starts anywhere
        if in_table == in_lines + 1 or (in_lines == -1 and first):  # the table is written first
            row_end, in_table = row_start, in_lines
        if in_table == in_lines:
            _cut(table, rows, row_end)
            _cut(lines, objects, text_end)
        else:
            ends = f"{table} ends with frame {in_table}, {lines.name} with frame {in_lines}"
            _logger.warning("%s: was the power cut? Both are kept as they are; what one lacks, the other has", ends)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """Yield the file, locked. Raises OSError where it is being written, or that cannot be known."""
    if sys.platform == "win32":
        raise OSError("no locks")
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file


def _last_line(file: BinaryIO) -> tuple[bytes, int, int]:
    """Return the last line that has an end, where it starts and where it ends; empty where there is none."""
    size, tail = file.seek(0, os.SEEK_END), b""
    while len(tail) < size and tail.count(b"\n") < 2:
        start = max(0, size - len(tail) - _CHUNK)
        file.seek(start)
        tail = file.read(size - len(tail) - start) + tail
    whole = tail[: tail.rfind(b"\n") + 1]
    line = whole[whole.rfind(b"\n", 0, -1) + 1 :]
    end = size - len(tail) + len(whole)
    return line, end - len(line), end


def _frame_in_table(file: BinaryIO, row: bytes) -> int:
    file.seek(0)
    (head,) = csv.reader([file.readline().decode()])
    (cells,) = csv.reader([row.decode()]) if row else [head]
    return -1 if cells == head else int(cells[head.index(_FRAME)])


def _cut(path: Path, file: BinaryIO, end: int) -> None:
    torn = file.seek(0, os.SEEK_END) - end
    if torn:
        file.truncate(end)
        _logger.warning("%s: cut off %d bytes: a run that was killed had announced no verdict for them", path, torn)
