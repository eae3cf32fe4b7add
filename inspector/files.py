"""Files that appear whole or not at all, and folders that can be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspector.errors import DataError, InspectorError


def check_writable(folder: Path, error: type[InspectorError] = DataError) -> None:
    """Make the folder where it is missing. Raises `error` where no file can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as reason:
        raise error(f"{folder}: cannot write there ({reason.strerror}): give another folder") from None


@contextmanager
def replacing(path: Path, *, make_folder: bool = True) -> Iterator[Path]:
    """Yield a hidden name beside `path` to write to; move it to `path` at the end, remove it after an error.

    A reader of `path` sees the old file or the new one, never half of either.
    """
    if make_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # the error already on its way names the cause; a leftover is hidden and harmless
        return
