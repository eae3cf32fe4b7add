"""What the logs have and the record lacks: the log is written before a verdict is told, the record after.

So the log is what survives, and the record catches up from it whenever it is opened. Torn rows are passed over: nobody
was told those verdicts.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from inspector.record.archive import Archive
from inspector.record.bookkeeping import log_read, note_log_read
from inspector.record.rows import PartRow, RunRow
from inspector.record.store import Store
from inspector.records import Verdict

_logger = logging.getLogger(__name__)
AT_ONCE = 1000  # rows in one transaction
# Columns that have the same name in both; older logs lack some of them.
SAME = (
    *("captured_ns", "score", "threshold", "cause", "worst_row", "worst_col", "worst_x", "worst_y"),
    *("anomalous_patches", "region", "latency_ms", "wait_ms", "judge_ms"),
)


def import_logs(
    store: Store, folder: Path, host: str, running: str | None = None, archive: Archive | None = None
) -> Iterator[int]:
    """Add the parts of all logs below a folder that the record lacks, a few at a time; yields how many were new.

    Raises StoreError. A row is then as if it had never been missing, but for how its picture looked (brightness, focus,
    colour, position), which no log has; where its pictures lie is asked of `archive`. How far each log was read is kept
    in the record, so that old ones are not read again. The log of the run that is `running` is left alone: its parts
    are on their way.
    """
    for file in sorted(folder.rglob("line-*.jsonl")):
        with contextlib.suppress(FileNotFoundError):  # too old: it has just been removed
            yield from _import(store, file, _camera_of(file, folder), host, running, archive)


def import_lost(
    store: Store, folder: Path, run_id: str, lost: Mapping[str, range], archive: Archive | None = None
) -> Iterator[int]:
    """Add those parts of a run, by camera and number, from its log; yields how many were new. Raises StoreError."""
    for file in sorted(folder.rglob("line-*.jsonl")):
        if _run_of(file) != run_id:  # nor one that has just been removed
            continue
        with file.open("rb") as lines:
            while rows := list(_rows(lines, file, run_id, _camera_of(file, folder))):
                yield store.write_from_log(
                    _found(archive, (row for row in rows if row.number in lost.get(row.camera, ())))
                )


def row_from_log(found: dict[str, Any], run_id: str, camera: str) -> PartRow:
    """One row of a JSON log. Raises LookupError, TypeError or ValueError where it is none.

    Logs of older programs do not name run and camera: then those given hold; nor when a part was captured: then that is
    when its verdict was written, less its latency.
    """
    utc = datetime.fromisoformat(str(found.get("captured_utc") or found["utc"]).replace("Z", "+00:00"))
    return PartRow(
        run_id=found.get("run") or run_id,
        camera=(found["camera"] or "") if found.get("run") else camera,
        number=int(found["frame"]),
        captured_utc=utc,
        product=found["product"],
        recipe_hash=found["recipe"],
        model_hash=found["model"],
        verdict=Verdict(found["verdict"]),
        part=found["part"] or "",
        percentile=found.get("percentile", found.get("stranger_than")),
        detail=found["detail"] or "",
        **{name: found.get(name) for name in SAME},
    )


def _camera_of(file: Path, folder: Path) -> str:
    """The camera whose log it is, by where it lies."""
    place = file.parent.relative_to(folder).as_posix()
    return "" if place == "." else place


def _run_of(file: Path) -> str | None:
    """The run whose log it is; None where it does not say."""
    try:
        with file.open("rb") as lines:
            found = json.loads(lines.readline())
    except (OSError, ValueError):
        return None
    return found.get("run") if isinstance(found, dict) else None


def _import(
    store: Store, file: Path, camera: str, host: str, running: str | None, archive: Archive | None
) -> Iterator[int]:
    name = str(file.resolve())
    start = log_read(store, host, name)
    if start == file.stat().st_size:
        return
    with file.open("rb") as lines:
        lines.seek(start if start < file.stat().st_size else 0)
        while rows := list(_rows(lines, file, f"log-{file.stem}", camera)):
            runs = sorted({row.run_id for row in rows})
            if running in runs:
                return
            for run_id in runs:
                store.begin_run(RunRow(run_id, min(row.captured_utc for row in rows), host, f"log {file.name}", ""))
            new = store.write_from_log(_found(archive, rows))
            note_log_read(store, host, name, lines.tell())
            yield new


def _found(archive: Archive | None, rows: Iterable[PartRow]) -> list[PartRow]:
    """The rows with their pictures, where those are in the archive."""
    return [archive.with_pictures(row) for row in rows] if archive else list(rows)


def _rows(lines: Any, file: Path, run_id: str, camera: str) -> Iterator[PartRow]:
    """The next rows that are whole."""
    for _ in range(AT_ONCE):
        at = lines.tell()
        line = lines.readline()
        if not line.endswith(b"\n"):  # still being written, or torn
            lines.seek(at)
            return
        try:
            yield row_from_log(json.loads(line), run_id, camera)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            _logger.warning("%s: passed over a row that cannot be read (%s)", file, error)
