"""What happened in some span of time, as a page that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from inspector.errors import DataError
from inspector.images import read_image
from inspector.record.archive import Archive
from inspector.record.periods import Period
from inspector.record.rows import AlarmRow, FoundPart, HourCounts, PartFilter, Place, ThresholdRow
from inspector.record.store import Store
from inspector.records import Counts, Verdict

REJECTS = 48  # shown, the newest
WIDTH = 320  # px of a picture on the page
PLACES = (8, 8)  # fields of the picture, rows and columns
AT_MOST = 1000  # alarms and changes looked through


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one period."""

    period: Period
    product: str | None
    counts: Counts
    hours: Sequence[HourCounts]
    causes: dict[str, int]
    places: Sequence[Place]
    rejects: Sequence[FoundPart]
    alarms: Sequence[AlarmRow]
    changes: Sequence[ThresholdRow]

    @property
    def lines(self) -> list[str]:
        """The figures in words."""
        counts = self.counts
        share = f"{counts.yield_fraction:.1%}" if counts.captured else "-"
        words = [
            f"{self.period}: {counts.captured:,} parts, {counts.passed:,} passed ({share}), {counts.failed:,} failed, "
            f"{counts.missed:,} missed"
        ]
        if self.causes:
            words.append("missed: " + ", ".join(f"{cause} {count:,}" for cause, count in self.causes.items()))
        return words


def gather(store: Store, period: Period, product: str | None) -> Report:
    """Ask the record. Raises StoreError."""
    wanted = PartFilter(since=period.since, until=period.until, product=product)
    rejected = (Verdict.FAIL, Verdict.MISSED)
    return Report(
        period,
        product,
        store.counts(wanted),
        store.per_hour(wanted),
        store.causes(wanted),
        store.worst_places(wanted, PLACES),
        store.parts(PartFilter(wanted.since, wanted.until, product=product, verdicts=rejected), limit=REJECTS),
        [alarm for alarm in store.alarms(limit=AT_MOST) if _within(period, alarm.utc)],
        [change for change in store.threshold_changes(product, limit=AT_MOST) if _within(period, change.utc)],
    )


def page(report: Report, archive: Archive | None) -> str:
    """The report as HTML; whatever comes from names of parts and people is escaped."""
    pages = Environment(
        loader=PackageLoader("inspector.record"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"local": _local, "picture": lambda part: _picture(part, archive)}
    most = max((hour.counts.captured for hour in report.hours), default=1)
    strongest = max((place.parts for place in report.places), default=1)
    fields = {(place.row, place.col): place.parts for place in report.places}
    return pages.get_template("report.html.j2").render(
        report=report, most=most, strongest=strongest, fields=fields, rows=PLACES[0], cols=PLACES[1]
    )


def _within(period: Period, utc: datetime) -> bool:
    return period.since <= utc < period.until


def _local(utc: datetime) -> str:
    return f"{utc.astimezone():%Y-%m-%d %H:%M:%S}"


def _picture(part: FoundPart, archive: Archive | None) -> str:
    """The overlay as an address that holds the picture itself; empty where there is none any more."""
    file = archive.find(part.row.overlay_path) if archive else None
    try:
        image = read_image(file) if file else None
    except DataError:
        return ""
    if image is None:
        return ""
    size = WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1]))
    _, data = cv2.imencode(".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
