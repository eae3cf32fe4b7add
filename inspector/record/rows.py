"""What the record keeps, as plain data: nothing here knows the database."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from inspector.records import Counts, Verdict


class Label(enum.Enum):
    """What a person says of a part, whatever its verdict was."""

    REALLY_BAD = "really_bad"
    ACTUALLY_GOOD = "actually_good"


@dataclass(frozen=True, slots=True, order=True)
class PartKey:
    """Names one part for ever."""

    run_id: str
    camera: str  # empty where a run has one camera without a name
    number: int  # contiguous from 0 per run and camera


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of the program. `ended_utc` is None while it runs, and where it was killed."""

    id: str
    started_utc: datetime
    host: str
    command: str
    version: str
    ended_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part: its identity, its judgement, and where its pictures lie. None stands for what has no value."""

    run_id: str
    camera: str
    number: int
    captured_utc: datetime  # aware; to the microsecond
    product: str
    recipe_hash: str
    model_hash: str
    verdict: Verdict
    captured_ns: int | None = None  # monotonic clock of the host; compares within one run only
    part: str = ""  # its id, where the camera or the replay knows one
    threshold: float | None = None
    score: float | None = None
    percentile: float | None = None  # share of good parts that it scores above, 0 to below 1
    cause: str | None = None  # why it was missed
    detail: str = ""  # the cause in words
    worst_row: int | None = None  # of the grid's patches: the one with the highest score
    worst_col: int | None = None
    worst_x: float | None = None  # place of the map's maximum: share of the picture's width and height, 0 to 1
    worst_y: float | None = None
    anomalous_patches: int | None = None
    region: str | None = None  # of several regions of interest, the one that decided; None where there is one
    latency_ms: float | None = None  # capture to the moment that the verdict is given out
    wait_ms: float | None = None  # of it, until the part was taken to be judged; None where not measured
    judge_ms: float | None = None  # of it, in preparation and model
    image_path: str | None = None  # below the archive's folder, POSIX form
    overlay_path: str | None = None
    brightness: float | None = None  # mean luminance, 0 to 255
    focus: float | None = None  # contrast of fine detail, see inspector.record.looks
    colour_a: float | None = None  # mean of CIELAB's a and b: green to red, blue to yellow
    colour_b: float | None = None
    position_x: float | None = None  # centre of what stands out, share of width and height
    position_y: float | None = None

    @property
    def key(self) -> PartKey:
        return PartKey(self.run_id, self.camera, self.number)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a person said of a part; the newest counts."""

    label: Label
    who: str
    utc: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the history, between two pages. Its text form travels in addresses."""

    captured_utc: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.captured_utc.isoformat()}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The way back. Raises ValueError where the text is no cursor."""
        utc, separator, number = text.partition("~")
        cursor = cls(datetime.fromisoformat(utc), int(number or "x"))
        if not separator or cursor.captured_utc.tzinfo is None:
            raise ValueError(f"no place in the history: {text!r}")
        return cursor


@dataclass(frozen=True, slots=True)
class FoundPart:
    """A part as it lies in the record, with the newest word on it."""

    id: int
    row: PartRow
    judged: Judged | None = None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.row.captured_utc, self.id)


@dataclass(frozen=True, slots=True)
class PartFilter:
    """Which parts are meant; None, or no verdicts, stands for all."""

    since: datetime | None = None  # captured at or after
    until: datetime | None = None  # captured before
    run_id: str | None = None
    camera: str | None = None
    product: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    cause: str | None = None
    part: str | None = None  # how its id begins
    label: Label | None = None  # what the newest word on it says
    archived: bool | None = None  # whether its picture was kept
    model_hash: str | None = None


@dataclass(frozen=True, slots=True)
class HourCounts:
    """The counts of one hour."""

    hour: datetime  # its beginning
    counts: Counts


@dataclass(frozen=True, slots=True)
class CameraCounts:
    """The counts of one product in front of one camera."""

    product: str
    camera: str  # empty where there is only one
    counts: Counts


@dataclass(frozen=True, slots=True)
class Place:
    """How many failed parts were strangest in this field of the picture."""

    row: int
    col: int
    parts: int


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """One part in a plot of recent scores; `score` is None where it was missed."""

    number: int
    captured_utc: datetime
    score: float | None
    threshold: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """Somebody moved a product's threshold."""

    product: str
    old: float
    new: float
    who: str
    utc: datetime
    recipe_hash: str


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """Something the operator had to know. `id` is 0 before it is in the record."""

    utc: datetime
    camera: str
    kind: str
    text: str
    ended_utc: datetime | None = None
    id: int = 0
