"""The record of one camera's line, put together from its parts."""

from __future__ import annotations

import re
import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.cli import version
from inspector.identity import RunIdentity
from inspector.inspection import Inspector
from inspector.record.archive import Archive, ArchiveSettings
from inspector.record.opening import needing_station, open_store
from inspector.record.rows import RunRow
from inspector.station import RecordSettings

if TYPE_CHECKING:
    from inspector.record.sink import RecordSink

DEFAULTS = RecordSettings()


def recording(
    url: str,
    run: RunIdentity,
    logs: Path,
    in_charge: Callable[[], Inspector],
    archive: ArchiveSettings | None = None,
    keeping: RecordSettings = DEFAULTS,
) -> RecordSink:
    """The sink that keeps the record of a line; `logs` is the folder of its log, `in_charge` its inspector at present.

    `keeping` says how long rows stay, and what a power cut may take. A database that cannot be used is told while the
    line runs. Raises DependencyError where the extra is not installed.
    """
    with needing_station():
        from inspector.record.recorder import Recorder  # noqa: PLC0415  (only who keeps a record needs the extra)
        from inspector.record.retention import Retention  # noqa: PLC0415
        from inspector.record.sink import RecordSink  # noqa: PLC0415
    row = RunRow(run.id, run.started_utc, socket.gethostname(), command_of(sys.argv), version())
    kept = Archive(archive) if archive else None

    def good_scores(model_hash: str) -> Sequence[float] | None:
        detector = in_charge().detector
        return list(detector.info.held_out.values()) if detector.model_hash == model_hash else None

    recorder = Recorder(
        partial(open_store, url, full=keeping.synchronous == "full"),
        row,
        logs=logs,
        good_scores=good_scores,
        retention=Retention(keeping.pass_days, keeping.reject_days),
        archive=kept,
    )
    return RecordSink(recorder, kept)


def archive_settings(folder: Path, keeping: RecordSettings) -> ArchiveSettings:
    """Return what the station's settings say of the archive in a folder."""
    return ArchiveSettings(
        folder,
        keep_pass_every=keeping.picture_of_one_pass_in,
        original=keeping.pictures,
        days=keeping.picture_days,
        most_bytes=round(1e9 * keeping.picture_gb),
        free_bytes=round(1e9 * keeping.free_gb),
    )


def command_of(arguments: Sequence[str]) -> str:
    """Return the command line of a run as its record keeps it: without passwords of addresses."""
    return shlex.join(re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", each) for each in arguments)
