"""The archive: the pictures of some parts, as the camera gave them and with what was strange drawn in.

Rejects are kept always, and of passed parts one in N and those near the threshold. Originals are PNG, without loss, so
that they can be judged again as they were; or JPEG of quality 95, about a fifth of the size. Files lie by day (UTC) and
camera, and sort by time. What is too old or too much goes, oldest first, and the disk keeps some room in any case.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from typing import Literal

from inspector.errors import SinkError
from inspector.images import write_image
from inspector.overlay.picture import draw
from inspector.record.rows import PartKey
from inspector.records import Counts, Inspection, Verdict
from inspector.text import shortened

_logger = logging.getLogger(__name__)
DAY = "%Y-%m-%d"
NAME_LENGTH = 40  # of a part, in the file's name
Original = Literal["png", "jpg"]


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What is kept, and for how long."""

    folder: Path
    keep_pass_every: int = 100  # one pass in so many; 0: none
    near: float = 0.9  # passes that score at least this share of the threshold; above 1: none
    original: Original = "png"
    days: int = 90
    most_bytes: int = 50_000_000_000
    free_bytes: int = 2_000_000_000  # of the disk: below that, old pictures go, and then no new ones are kept


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a part's pictures lie, below the archive's folder, POSIX form."""

    image: str
    overlay: str


class Archive:
    """Keeps pictures. It never raises: a picture is no verdict. What goes wrong is told once, and when it is over."""

    def __init__(
        self,
        settings: ArchiveSettings,
        utc_now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._settings = settings
        self._utc_now = utc_now
        self._free_bytes = free_bytes
        self._passes = 0
        self._lost = 0  # pictures since the trouble began
        self.trouble = ""  # why no pictures are kept at present
        self._lock = threading.Lock()  # between who keeps and who sweeps

    def keep(self, key: PartKey, utc: datetime, inspection: Inspection, counts: Counts) -> Kept | None:
        """Save the part's pictures, if they are wanted; returns where, None where there are none."""
        if inspection.image is None or not self._wants(inspection):
            return None
        try:
            with self._lock:
                self._make_room()
                kept = self._save(key, utc, inspection, counts)
        except (SinkError, OSError) as error:
            self._trouble(str(error))
            return None
        if self._lost:
            _logger.warning("%s: pictures are kept again; %d are missing", self._settings.folder, self._lost)
            self._lost, self.trouble = 0, ""
        return kept

    def find(self, path: str | None) -> Path | None:
        """The file at a path of the record; None where there is none any more."""
        file = self._settings.folder / (path or "")
        inside = path is not None and ".." not in file.parts[len(self._settings.folder.parts) :]
        return file if inside and file.is_relative_to(self._settings.folder) and file.is_file() else None

    def sweep(self) -> None:
        """Let go of what is too old or too much. Called once in a while."""
        try:
            with self._lock:
                self._sweep(0)
        except OSError as error:
            self._trouble(f"{error.filename}: {error.strerror}", pictures=0)

    def _wants(self, inspection: Inspection) -> bool:
        if inspection.verdict is not Verdict.PASS:
            return True
        self._passes += 1
        every = self._settings.keep_pass_every
        sampled = every > 0 and (self._passes - 1) % every == 0
        return sampled or inspection.score >= self._settings.near * inspection.threshold

    def _save(self, key: PartKey, utc: datetime, inspection: Inspection, counts: Counts) -> Kept:
        assert inspection.image is not None
        place = PurePosixPath(f"{utc:{DAY}}") / (_file_name(key.camera) or ".")
        stem = f"{utc:%H%M%S}-{key.run_id[:8]}-{key.number:08d}-{inspection.verdict.value}{_part(inspection.part)}"
        kept = Kept(str(place / f"{stem}.{self._settings.original}"), str(place / f"{stem}.overlay.jpg"))
        (self._settings.folder / place).mkdir(parents=True, exist_ok=True)
        write_image(self._settings.folder / kept.image, inspection.image)
        write_image(self._settings.folder / kept.overlay, draw(inspection, counts))
        return kept

    def _make_room(self) -> None:
        """Raises SinkError where the disk stays too full."""
        folder, wanted = self._settings.folder, self._settings.free_bytes
        folder.mkdir(parents=True, exist_ok=True)
        lacking = wanted - self._free_bytes(folder)
        if lacking > 0:
            self._sweep(lacking)
            if self._free_bytes(folder) < wanted:
                raise SinkError(f"{folder}: less than {wanted / 1e9:.3g} GB are free on its disk: free some space")

    def _sweep(self, lacking: int) -> None:
        """Remove old days as a whole, then the oldest files, until the rest fits and `lacking` bytes more are free."""
        oldest = f"{self._utc_now().astimezone(timezone.utc) - timedelta(days=self._settings.days):{DAY}}"
        for day in self._days():
            if day.name < oldest:
                shutil.rmtree(day)
        files = [(file, file.stat().st_size) for day in self._days() for file in _files(day)]
        excess = max(lacking, sum(size for _, size in files) - self._settings.most_bytes)
        for file, size in files:
            if excess <= 0:
                return
            file.unlink(missing_ok=True)
            excess -= size

    def _days(self) -> list[Path]:
        folder = self._settings.folder
        return sorted(path for path in folder.iterdir() if _is_day(path.name)) if folder.is_dir() else []

    def _trouble(self, reason: str, pictures: int = 1) -> None:
        if not self._lost:
            _logger.error("%s; no pictures are archived until that is mended, the line goes on", reason)
        self._lost += pictures
        if self._lost:
            self.trouble = f"{reason}: no pictures are archived"


def _files(day: Path) -> Iterator[Path]:
    """Oldest first, whatever the camera: the names begin with the time."""
    yield from sorted((path for path in day.rglob("*") if path.is_file()), key=lambda path: path.name)


def _is_day(name: str) -> bool:
    try:
        return f"{datetime.strptime(name, DAY):{DAY}}" == name
    except ValueError:
        return False


def _part(part: str) -> str:
    path = PurePosixPath(part.replace("\\", "/"))
    name = _file_name(str(path.parent / path.stem)) if part else ""
    return f"-{name}".rstrip("-. ")


def _file_name(text: str) -> str:
    """The text without what a file system forbids in a name, and not too long."""
    plain = "".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "_" for c in text)
    return shortened(plain, NAME_LENGTH).strip(". ")
