"""What the API says, typed. Pages are made from the same objects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["good", "deviates", "lost", "none"]
Word = Literal["PASS", "FAIL", "MISSED"]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Said):
    """One part. Figures are null where it was not judged."""

    number: int
    part: str
    utc: datetime
    product: str
    verdict: Word
    score: float | None
    threshold: float
    latency_ms: float | None
    words: str
    cause: str | None
    detail: str
    has_picture: bool


class Tally(_Said):
    """Counts of a run, or of a shift."""

    captured: int
    passed: int
    failed: int
    missed: int
    yield_percent: float | None


class Badge(_Said):
    """The state of one thing the line needs: amber deviates from the recipe, red is lost."""

    name: str
    state: State
    words: str


class Alarm(_Said):
    """Something that needs somebody, and what to do."""

    key: str
    severe: bool
    title: str
    advice: str


class CameraState(_Said):
    """One camera's line."""

    name: str
    product: str
    running: bool
    sequence: int
    last: Part | None
    counts: Tally
    shift: Tally | None
    parts_per_minute: float | None
    scores: list[float | None]  # of the last 200 parts, oldest first
    verdicts: str  # of the same parts: P, F or M each
    latencies_ms: list[float | None]
    first_number: int  # the oldest of these parts
    threshold: float | None
    deadline_ms: float | None
    rejects: list[Part]  # the last few that have a picture, newest first
    badges: list[Badge]
    alarms: list[Alarm]


class Level(_Said):
    """A threshold that means something, and what it does to the parts of which the truth is known."""

    key: str
    words: str
    threshold: float | None  # null where it cannot be told
    missed: int | None
    false_rejects: int | None
    why_not: str = ""


class Moved(_Said):
    """A threshold that somebody moved."""

    old: float
    new: float
    who: str
    utc: datetime


class Scored(_Said):
    """A recent part that was judged."""

    number: int
    part: str
    score: float
    has_picture: bool


class ThresholdState(_Said):
    """What a threshold is, and what another one would do."""

    camera: str
    product: str
    threshold: float
    model_threshold: float
    budget_percent: float
    held_out: list[float]  # good parts, by a model that never saw them
    recent: list[Scored]  # oldest first
    levels: list[Level]
    judged_good: int
    judged_bad: int
    history: list[Moved]  # newest first
    loading: bool  # a changeover is under way
    refused: str


class ThresholdWish(BaseModel):
    """A threshold to be used from now on; null: the model's own."""

    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None


class Product(_Said):
    """A product of this station, and whether it could be inspected."""

    product: str
    ready: bool
    why_not: str
    golden: bool  # parts with a known verdict are checked before it may start


class Golden(_Said):
    """What came of the last check of the golden parts while the line ran."""

    utc: datetime
    product: str
    parts: int  # 0 where it failed
    wrong: str  # why it failed; empty where all came out right


class ProductState(_Said):
    """What a line inspects, and what it could."""

    camera: str
    running: str
    loading: str  # empty where no changeover is under way
    refused: str  # why the last one was refused
    checking: bool  # the golden parts are being judged
    golden: Golden | None  # what came of that last
    products: list[Product]


class ProductWish(BaseModel):
    """A product to be inspected from now on."""

    product: Annotated[str, Field(min_length=1, max_length=200)]


class Identity(_Said):
    """Who asks."""

    name: str
    role: str
    csrf: str  # to be sent in the header X-CSRF-Token with each change


class Credentials(BaseModel):
    """To log in."""

    name: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=1000)]


class LiveState(_Said):
    """All lines of this station."""

    utc: datetime
    cameras: list[CameraState]
