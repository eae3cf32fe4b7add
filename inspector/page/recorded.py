"""Parts of the record as the pages and the API name and show them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, cast
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from inspector.page.errors import Unknown
from inspector.page.schemas import Word
from inspector.record.rows import Cursor, FoundPart, Label, PartFilter, PartKey, PartRow
from inspector.records import Cause, Verdict

LONGEST = 200  # characters of what is searched for
REJECTS = (Verdict.FAIL, Verdict.MISSED)
VERDICTS = {"reject": REJECTS, **{verdict.value: (verdict,) for verdict in Verdict}}
LABELS = {Label.REALLY_BAD: "really bad", Label.ACTUALLY_GOOD: "actually good"}
MISSING = "missed: not judged"
FIELDS = ("top", "middle", "bottom"), ("left", "centre", "right")


def key_text(key: PartKey) -> str:
    """A part's name in addresses: RUN~CAMERA~NUMBER."""
    return f"{key.run_id}~{key.camera}~{key.number}"


def parse_key(text: str) -> PartKey:
    """The way back. Raises Unknown."""
    run_id, _, rest = text.partition("~")
    camera, mark, number = rest.rpartition("~")
    if "\x00" in text or not mark or not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise Unknown(f"no part {text[:LONGEST]}")
    return PartKey(run_id, camera, int(number))


def _or_none(value: object) -> object:
    """A form sends what is left empty as an empty text."""
    return None if value == "" else value


def _aware(moment: datetime | None) -> datetime | None:
    """A time without a zone is the station's."""
    if moment is None or moment.tzinfo is not None:
        return moment
    try:
        return moment.astimezone()
    except (OverflowError, OSError) as error:
        raise ValueError("wants a time that a calendar has") from error


def _cursor(text: str | None) -> str | None:
    if text is not None:
        Cursor.parse(text)  # raises ValueError, which becomes the answer 422
    return text


Moment = Annotated[datetime | None, BeforeValidator(_or_none), AfterValidator(_aware)]
Text = Annotated[Annotated[str, Field(max_length=LONGEST, pattern=r"^[^\x00]*$")] | None, BeforeValidator(_or_none)]
Place = Annotated[Annotated[str, Field(max_length=80)] | None, BeforeValidator(_or_none), AfterValidator(_cursor)]
VerdictWord = Annotated[Literal["pass", "fail", "missed", "reject"] | None, BeforeValidator(_or_none)]
CauseWord = Annotated[Cause | None, BeforeValidator(_or_none)]
LabelWord = Annotated[Label | None, BeforeValidator(_or_none)]


class Search(BaseModel):
    """Which parts are meant. What is left out or empty stands for all; times without a zone are the station's."""

    model_config = ConfigDict(frozen=True)

    since: Moment = None
    until: Moment = None
    product: Text = None
    camera: Text = None
    verdict: VerdictWord = None
    cause: CauseWord = None
    part: Text = None
    label: LabelWord = None
    before: Place = None
    after: Place = None

    @property
    def wanted(self) -> PartFilter:
        """As the record takes it."""
        return PartFilter(
            since=self.since,
            until=self.until,
            product=self.product,
            camera=self.camera,
            verdicts=VERDICTS[self.verdict] if self.verdict else (),
            cause=self.cause.value if self.cause else None,
            part=self.part,
            label=self.label,
        )

    @property
    def cursors(self) -> dict[str, Cursor]:
        """Where the page begins, as Store.parts takes it."""
        if self.before:
            return {"before": Cursor.parse(self.before)}
        return {"after": Cursor.parse(self.after)} if self.after else {}

    def address(self, path: str, **changes: str | None) -> str:
        """The same search at an address, with some of it changed."""
        given = self.model_dump(mode="json", exclude={"before", "after"}) | changes
        query = urlencode({key: value for key, value in given.items() if value is not None})
        return f"{path}?{query}" if query else path

    def field(self, name: Literal["since", "until"]) -> str:
        """A time as a form's field shows it, in the station's own zone."""
        moment: datetime | None = getattr(self, name)
        return "" if moment is None else f"{moment.astimezone():%Y-%m-%dT%H:%M}"


class RecordedPart(BaseModel):
    """One part of the record, as the API says it. Figures are null where they are not known."""

    model_config = ConfigDict(frozen=True)

    key: str
    captured_utc: datetime
    camera: str
    product: str
    part: str
    number: int
    verdict: Word
    score: float | None
    threshold: float | None
    words: str
    cause: str | None
    detail: str
    latency_ms: float | None
    has_picture: bool
    label: Label | None
    labelled_by: str | None
    labelled_utc: datetime | None


class PartsPage(BaseModel):
    """A page of the record, newest first, and the places before and after it."""

    parts: list[RecordedPart]
    older: str | None  # give it as `before`
    newer: str | None  # give it as `after`


class Judging(BaseModel):
    """What somebody says of some parts."""

    keys: Annotated[list[Annotated[str, Field(max_length=LONGEST)]], Field(min_length=1, max_length=1000)]
    label: Label | None  # null withdraws what was said before


class JudgedParts(BaseModel):
    """How many parts that concerned."""

    parts: int


def said(found: FoundPart) -> RecordedPart:
    """As the API says it."""
    row, judged = found.row, found.judged
    return RecordedPart(
        key=key_text(row.key),
        captured_utc=row.captured_utc,
        camera=row.camera,
        product=row.product,
        part=row.part,
        number=row.number,
        verdict=cast(Word, row.verdict.name),
        score=row.score,
        threshold=row.threshold,
        words=score_in_words(row),
        cause=row.cause,
        detail=row.detail,
        latency_ms=row.latency_ms,
        has_picture=row.image_path is not None,
        label=judged.label if judged else None,
        labelled_by=judged.who if judged else None,
        labelled_utc=judged.utc if judged else None,
    )


def name_of(row: PartRow) -> str:
    """What people call a part."""
    return row.part or f"part {row.number}"


def times_threshold(row: PartRow) -> float | None:
    """How many times the threshold it scores; None where either is missing."""
    if row.score is None or not row.threshold:
        return None
    return row.score / row.threshold


def score_in_words(row: PartRow) -> str:
    """How strange a part is, in one sentence for who never saw a score."""
    times = times_threshold(row)
    if times is None:
        return f"{row.cause or MISSING}{': ' + row.detail if row.detail else ''}"
    limit = "just above" if 1 < times < 1.1 else "just below" if 0.9 < times <= 1 else f"{times:.2g} times"
    where = f" in {row.detail}" if row.detail and row.verdict is Verdict.FAIL else ""
    return f"{limit} the threshold{where}{_compared(row.percentile)}"


def _compared(percentile: float | None) -> str:
    if percentile is None:
        return ""
    return f"; scores above {math.floor(1000 * percentile) / 10:g} % of good parts"


def place_in_words(x: float | None, y: float | None) -> str:
    """Where in the picture something lies, from its shares of width and height; empty where that is not known."""
    if x is None or y is None:
        return ""
    row, col = (min(2, int(3 * share)) for share in (y, x))
    if (row, col) == (1, 1):
        return "in the centre"
    return f"{FIELDS[0][row]} {FIELDS[1][col]}"


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a part's way to its verdict."""

    name: str
    start_ms: float
    ms: float


def way(row: PartRow) -> Sequence[Span]:
    """What its latency was spent on, in order; empty where it was not judged."""
    if row.latency_ms is None:
        return ()
    known = [("waited for the model", row.wait_ms), ("preparation and model", row.judge_ms)]
    spans, start = [], 0.0
    for name, ms in known:
        if ms is not None:
            spans.append(Span(name, start, ms))
            start += ms
    rest = "waited for its turn" if spans else "capture to verdict"
    if row.latency_ms - start > 0.005:
        spans.append(Span(rest, start, row.latency_ms - start))
    return spans
