"""Let go of logs that are too old or too much, oldest first. The one that is being written stays, whoever writes it.

A log is a pair of files of the same name, and begins anew with each day and each 100 MB (see `log`): so whole files go,
and never a row of one that stays.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from inspector.records import Counts, Inspection
from inspector.sinks.log import LogSink
from inspector.station import LogSettings

if sys.platform != "win32":
    import fcntl

_logger = logging.getLogger(__name__)
_NAME = re.compile(r"line-(\d{8}T\d{6}Z)(?:-(\d+))?\.(?:csv|jsonl)")
DAY_S = 86_400.0


class OldLogs:
    """A sink that keeps nothing: with the first part, and whenever `log` goes on in new files, it looks for old ones.

    As one of the sinks that may be slow it does not let the line wait for a disk that takes its time to remove a file.
    It never raises: what goes wrong is told.
    """

    def __init__(self, log: LogSink, limits: LogSettings, now_s: Callable[[], float] = time.time) -> None:
        self._log = log
        self._limits = limits
        self._now_s = now_s
        self._swept: Path | None = None  # the table that was written when they were looked at last

    def write(self, inspection: Inspection, counts: Counts) -> None:
        table, _ = self._log.paths
        if table != self._swept:
            self._swept = table
            sweep(table, self._limits, self._now_s())

    def close(self) -> None:
        """Do nothing."""


def sweep(table: Path, limits: LogSettings, now_s: float) -> None:
    """Remove what is beyond the limits in the folder of this table, which itself stays. `now_s`: since 1970."""
    gone: list[Path] = []
    try:
        for files in _superfluous(table, limits, now_s):
            for file in files:
                file.unlink()
            gone.append(files[0])
    except OSError as error:
        _logger.warning("old logs stay: %s: %s", error.filename or table.parent, error.strerror or error)
    if gone:
        many = f"{len(gone)} logs, {gone[0].stem} to {gone[-1].stem}" if len(gone) > 1 else gone[0].stem
        limit = f"{limits.days or 'any number of'} days and {limits.gb:g} GB"
        _logger.info("%s: removed %s: station.yaml keeps %s", table.parent, many, limit)


def _superfluous(table: Path, limits: LogSettings, now_s: float) -> Iterator[Sequence[Path]]:
    """The files of each log that is to go. Raises OSError."""
    logs = _logs(table.parent)
    sizes = {stem: sum(file.stat().st_size for file in files) for stem, files in logs.items()}
    total = sum(sizes.values())
    for stem, files in logs.items():
        too_much = limits.gb and total > 1e9 * limits.gb
        last_s = max(file.stat().st_mtime for file in files)  # of a row, at the latest
        too_old = limits.days and last_s < now_s - limits.days * DAY_S
        if stem != table.stem and (too_much or too_old) and not any(_is_written(file, now_s) for file in files):
            total -= sizes[stem]
            yield files


def _logs(folder: Path) -> dict[str, list[Path]]:
    """All logs of a folder by name, the oldest first."""
    found: dict[tuple[str, int, str], list[Path]] = defaultdict(list)
    for path in folder.iterdir():
        if name := _NAME.fullmatch(path.name):
            found[name[1], int(name[2] or 1), path.stem].append(path)
    return {stem: sorted(files) for (_, _, stem), files in sorted(found.items())}


def _is_written(file: Path, now_s: float) -> bool:
    """Whether another run may be writing it. Windows does not remove such a file; on a disk without locks, one that was
    written within a day is left alone.
    """
    if sys.platform == "win32":
        return False
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return file.stat().st_mtime > now_s - DAY_S
    return False
