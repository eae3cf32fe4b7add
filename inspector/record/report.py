"""What happened in some span of time, as a page that needs nothing but itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from inspector.errors import DataError
from inspector.images import read_image
from inspector.record.archive import Archive
from inspector.record.periods import Period
from inspector.record.rows import (
    AlarmRow,
    CameraCounts,
    FoundPart,
    HourCounts,
    Label,
    PartFilter,
    Place,
    ThresholdRow,
)
from inspector.record.store import Store
from inspector.records import Counts, Image, Verdict, sum_of
from inspector.text import number, told_apart

REJECTED = (Verdict.FAIL, Verdict.MISSED)
REJECTS = 48  # shown, the newest
WIDTH = 320  # px of a picture on the page
PLACES = (8, 8)  # fields of the picture, rows and columns
AT_MOST = 1000  # alarms and changes looked through
BY_HOUR = timedelta(days=2)  # a longer time is shown by day


@dataclass(frozen=True, slots=True)
class TimeCounts:
    """The counts of an hour or a day of this machine's clock."""

    label: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Said:
    """How many parts people judged, by verdict and by the newest word on each."""

    good: Counts  # called actually good
    bad: Counts  # called really bad

    @property
    def judged(self) -> int:
        return self.good.captured + self.bad.captured

    @property
    def false_rejects(self) -> int:
        return self.good.failed + self.good.missed

    @property
    def right_rejects(self) -> int:
        return self.bad.failed + self.bad.missed

    @property
    def rejected(self) -> int:
        return self.false_rejects + self.right_rejects

    @property
    def escapes(self) -> int:
        return self.bad.passed

    @property
    def right_passes(self) -> int:
        return self.good.passed

    @property
    def passed(self) -> int:
        return self.escapes + self.right_passes


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one period."""

    period: Period
    product: str | None  # None: all
    counts: Counts
    said: Said
    cameras: Sequence[CameraCounts]
    hours: Sequence[HourCounts]
    causes: dict[str, int]
    places: Sequence[Place]
    rejects: Sequence[FoundPart]  # the newest
    pictured: int  # rejects of which pictures were kept
    good_part: FoundPart | None  # one that passed, with a picture; of one product only
    alarms: Sequence[AlarmRow]
    changes: Sequence[ThresholdRow]

    @property
    def step(self) -> str:
        """What one line of `times` covers."""
        return "hour" if self.period.until - self.period.since <= BY_HOUR else "day"

    @property
    def times(self) -> list[TimeCounts]:
        """The counts of each hour or day that had parts, oldest first."""
        form = "%Y-%m-%d %H:%M" if self.step == "hour" else "%Y-%m-%d"
        labelled = [(f"{hour.hour.astimezone():{form}}", hour.counts) for hour in self.hours]
        groups = groupby(labelled, key=lambda each: each[0])
        return [TimeCounts(label, sum_of(counts for _, counts in group)) for label, group in groups]

    @property
    def lines(self) -> list[str]:
        """The figures in words."""
        counts = self.counts
        words = [
            f"{self.period}: {counts.captured:,} parts, {counts.passed:,} passed ({_share_passed(counts)}), "
            f"{counts.failed:,} failed, {counts.missed:,} missed"
        ]
        if self.causes:
            words.append("missed: " + ", ".join(f"{cause} {count:,}" for cause, count in self.causes.items()))
        if self.said.judged:
            said = self.said
            words.append(
                f"judged by people: {said.rejected} rejects, of them {said.false_rejects} false; "
                f"{said.passed} passed parts, of them {said.escapes} bad"
            )
        return words


def gather(store: Store, period: Period, product: str | None) -> Report:
    """Ask the record. Raises StoreError."""
    wanted = PartFilter(since=period.since, until=period.until, product=product)
    rejected = replace(wanted, verdicts=REJECTED)
    cameras = store.per_camera(wanted)
    return Report(
        period,
        product,
        store.counts(wanted),
        Said(*(store.counts(replace(wanted, label=label)) for label in (Label.ACTUALLY_GOOD, Label.REALLY_BAD))),
        cameras,
        store.per_hour(wanted),
        store.causes(wanted),
        store.worst_places(wanted, PLACES),
        store.parts(rejected, limit=REJECTS),
        store.counts(replace(rejected, archived=True)).captured,
        _good_part(store, wanted) if len({each.product for each in cameras}) == 1 else None,
        [alarm for alarm in store.alarms(limit=AT_MOST) if _within(period, alarm.utc)],
        [change for change in store.threshold_changes(product, limit=AT_MOST) if _within(period, change.utc)],
    )


def page(report: Report, archive: Archive) -> str:
    """The report as HTML, one file; whatever comes from names of parts and people is escaped."""
    pages = Environment(
        loader=PackageLoader("inspector.record"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "local": _local,
        "number": number,
        "told_apart": told_apart,
        "share_passed": _share_passed,
        "picture": lambda part: _address(_picture(archive, part.row.overlay_path)),
    }
    good_part = _picture(archive, report.good_part.row.image_path if report.good_part else None)
    return pages.get_template("report.html.j2").render(
        report=report,
        most=max((each.counts.captured for each in report.times), default=1),
        strongest=max((place.parts for place in report.places), default=1),
        good_part=_address(good_part),
        size=(WIDTH, WIDTH * 3 // 4) if good_part is None else good_part.shape[1::-1],
        rows=PLACES[0],
        cols=PLACES[1],
    )


def _good_part(store: Store, wanted: PartFilter) -> FoundPart | None:
    found = store.parts(replace(wanted, verdicts=(Verdict.PASS,), archived=True), limit=1)
    return found[0] if found else None


def _within(period: Period, utc: datetime) -> bool:
    return period.since <= utc < period.until


def _local(utc: datetime) -> str:
    return f"{utc.astimezone():%Y-%m-%d %H:%M:%S}"


def _share_passed(counts: Counts) -> str:
    return f"{counts.yield_fraction:.1%}" if counts.captured else "-"


def _picture(archive: Archive, path: str | None) -> Image | None:
    """A picture of the archive, as wide as the page shows it; None where there is none any more."""
    file = archive.find(path)
    try:
        image = read_image(file) if file else None
    except DataError:
        return None
    if image is None:
        return None
    size = WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1]))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _address(picture: Image | None) -> str:
    """An address that holds the picture itself; empty where there is none."""
    if picture is None:
        return ""
    _, data = cv2.imencode(".jpg", picture)
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
