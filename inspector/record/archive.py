"""The archive: the pictures of some parts, as the camera gave them and with what was strange drawn in.

Of which parts, `selection` says. Originals are PNG, without loss, so that they can be judged again as they were; or
JPEG of quality 95, about a fifth of the size. Files lie by day (UTC) and camera, and sort by time. What is too old or
too much goes, oldest first; but a day that takes more than its share goes before all others, down to its share.
The disk keeps some room in any case.
"""

from __future__ import annotations

import dataclasses
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
from inspector.record.rows import PartKey, PartRow
from inspector.record.selection import Selection
from inspector.records import Counts, Inspection, Verdict
from inspector.text import shortened

_logger = logging.getLogger(__name__)
DAY = "%Y-%m-%d"
NAME_LENGTH = 40  # of a part, in the file's name
DAYS_SHARE = 5  # one in so many of all bytes: what a day may take before others have to go
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
        self._selection = Selection(settings.keep_pass_every, settings.near)
        self._bytes: dict[str, int] = {}  # of days that are over
        self._lost = 0  # pictures since the trouble began
        self.trouble = ""  # why no pictures are kept at present
        self._lock = threading.Lock()  # between who keeps and who sweeps

    def keep(self, key: PartKey, utc: datetime, inspection: Inspection, counts: Counts) -> Kept | None:
        """Save the part's pictures, if they are wanted; returns where, None where there are none."""
        if not self._selection.wants(inspection):
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

    def close(self) -> None:
        """Tell what was left out, where that was not told yet."""
        self._selection.close()

    def find(self, path: str | None) -> Path | None:
        """The file at a path of the record; None where there is none any more."""
        file = self._settings.folder / (path or "")
        inside = path is not None and ".." not in file.parts[len(self._settings.folder.parts) :]
        return file if inside and file.is_relative_to(self._settings.folder) and file.is_file() else None

    def with_pictures(self, row: PartRow) -> PartRow:
        """The row of a part with the places of its pictures, where they were kept."""
        kept = self._place(row.key, row.captured_utc, row.verdict, row.part)
        image, overlay = (path if self.find(path) else None for path in (kept.image, kept.overlay))
        return dataclasses.replace(row, image_path=image, overlay_path=overlay)

    def sweep(self) -> None:
        """Let go of what is too old or too much. Called once in a while."""
        try:
            with self._lock:
                self._sweep(0)
        except OSError as error:
            self._trouble(f"{error.filename}: {error.strerror}", pictures=0)

    def _save(self, key: PartKey, utc: datetime, inspection: Inspection, counts: Counts) -> Kept:
        assert inspection.image is not None
        kept = self._place(key, utc, inspection.verdict, inspection.part)
        (self._settings.folder / kept.image).parent.mkdir(parents=True, exist_ok=True)
        write_image(self._settings.folder / kept.image, inspection.image)
        write_image(self._settings.folder / kept.overlay, draw(inspection, counts))
        return kept

    def _place(self, key: PartKey, utc: datetime, verdict: Verdict, part: str) -> Kept:
        place = PurePosixPath(f"{utc:{DAY}}") / (_file_name(key.camera) or ".")
        stem = f"{utc:%H%M%S}-{key.run_id[:8]}-{key.number:08d}-{verdict.value}{_part(part)}"
        return Kept(str(place / f"{stem}.{self._settings.original}"), str(place / f"{stem}.overlay.jpg"))

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
        """Remove old days as a whole; then the oldest files until the rest fits and `lacking` bytes are free: first
        those of days that take more than their share, then of all.
        """
        oldest = f"{self._utc_now().astimezone(timezone.utc) - timedelta(days=self._settings.days):{DAY}}"
        for day in self._days():
            if day.name < oldest:
                shutil.rmtree(day)
        days = self._days()
        share = self._settings.most_bytes // DAYS_SHARE
        sizes = [self._size(day, over=day not in days[-2:]) for day in days]
        excess = max(lacking, sum(sizes) - self._settings.most_bytes)
        for day, size in zip(days, sizes, strict=True):
            excess -= self._remove(day, min(excess, size - share))
        for day in days:
            excess -= self._remove(day, excess)

    def _size(self, day: Path, *, over: bool) -> int:
        """Bytes of a day's pictures; of one that is over they are added up once."""
        known = self._bytes.get(day.name) if over else None
        if known is None:
            known = self._bytes[day.name] = sum(file.stat().st_size for file in _files(day))
        return known

    def _remove(self, day: Path, excess: int) -> int:
        """Remove the oldest pictures of a day until so many bytes are gone, or all of them; returns how many went."""
        gone = 0
        for file in _files(day) if excess > 0 else ():
            if gone >= excess:
                break
            gone += file.stat().st_size
            file.unlink(missing_ok=True)
        self._bytes[day.name] = self._bytes.get(day.name, gone) - gone
        return gone

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
