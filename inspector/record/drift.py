"""Drift: good parts no longer look as they did, and what about the picture has changed.

Two things are watched: the scores of passing parts, against those of good parts held out in training; and how pictures
look as a whole, against the first that passed by this model in front of this camera. Each raises a false alarm once in
ONE_IN parts on average, or more rarely, while parts are exchangeable; see `evidence`. Looks are watched on rejects too:
under a lamp that has failed, nothing passes any more.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from inspector.record.evidence import LEAST, Evidence
from inspector.record.rows import AlarmRow, PartRow
from inspector.records import Verdict

ONE_IN = 1e7  # parts: in a shift of 20,000 a false alarm has a chance of 0.2 % at most
LOOKED_AT = 100  # first passing parts of a model: how its pictures look
RECENT = 30  # parts of which the message gives the median
CLEAR = 500  # parts without new evidence, then the alarm is over
KIND = "drift"
ADVICE = "check lamp, lens, camera and holder; train again only where the change is meant to stay"


@dataclass(frozen=True, slots=True)
class Aspect:
    """One number of PartRow that tells how a picture looks."""

    field: str
    name: str
    matters: float  # a smaller change of the median is nobody's concern
    relative: bool  # whether that is a share of the median before
    less: str
    more: str


ASPECTS = (
    Aspect("brightness", "brightness", 4.0, False, "darker", "brighter"),
    Aspect("focus", "focus", 0.1, True, "blurred: less fine detail", "more fine detail: sharper, or noisier"),
    Aspect("colour_a", "colour", 1.5, False, "greener", "redder"),
    Aspect("colour_b", "colour", 1.5, False, "bluer", "yellower"),
    Aspect("position_x", "position across", 0.01, False, "further left", "further right"),
    Aspect("position_y", "position down", 0.01, False, "further up", "further down"),
)


@dataclass(frozen=True, slots=True)
class News:
    """An alarm that begins, or (`over`) the end of the one before."""

    alarm: AlarmRow
    over: bool = False


Look: TypeAlias = Sequence[float]  # one value for each aspect
GoodScores: TypeAlias = Callable[[str], "Sequence[float] | None"]


class Memory(Protocol):
    """Keeps how the first pictures of a model looked in front of one camera."""

    def recall(self, model_hash: str) -> Sequence[Look]:
        """What was kept; empty where nothing was."""

    def keep(self, model_hash: str, looks: Sequence[Look]) -> None:
        """Keep it."""


class DriftWatch:
    """Takes every part of one camera in order. A new model or threshold begins a new watch.

    `good_scores` gives the held-out scores of a model by its hash, None where it is not known yet. `memory` keeps how
    the first pictures of a model looked, from one run to the next.
    """

    def __init__(self, good_scores: GoodScores, memory: Memory, one_in: float = ONE_IN) -> None:
        self._good_scores = good_scores
        self._memory = memory
        self._one_in = one_in
        self._of: tuple[str, float | None] | None = None
        self._alarm: AlarmRow | None = None
        self._quiet = 0  # parts since the last evidence

    def take(self, row: PartRow) -> News | None:
        """Look at one part; returns what is new."""
        if self._of != (row.model_hash, row.threshold):
            scores = self._good_scores(row.model_hash)
            if scores is None:
                return None
            self._begin(row, scores)
        if row.verdict is Verdict.PASS and row.score is not None:
            self._scores.take(row.score)
        self._looks.take(row)
        self._quiet += 1
        if self._scores.strength >= self._one_in or (self._looks.strength >= self._one_in and self._looks.changes):
            return self._found(row)
        return self._cleared(row)

    def _begin(self, row: PartRow, scores: Sequence[float]) -> None:
        self._of = row.model_hash, row.threshold
        self._scores = _Scores([score for score in scores if row.threshold is None or score <= row.threshold])
        self._looks = _Looks(self._memory, row.model_hash)
        self._quiet = 0

    def _found(self, row: PartRow) -> News | None:
        text = self._words()
        self._scores.forget()
        self._looks.forget()
        self._quiet = 0
        if self._alarm is not None:
            return None
        self._alarm = AlarmRow(row.captured_utc, row.camera, KIND, text)
        return News(self._alarm)

    def _cleared(self, row: PartRow) -> News | None:
        if self._alarm is None or self._quiet < CLEAR:
            return None
        alarm, self._alarm = self._alarm, None
        return News(alarm, over=True)

    def _words(self) -> str:
        said = self._looks.changes or ["brightness, focus, colour and position are as before"]
        if self._scores.strength >= self._one_in:
            said = [self._scores.words, *said]
        return f"drift: {'; '.join(said)}: {ADVICE}"


class _Scores:
    """The scores of passing parts against those of good parts in training."""

    def __init__(self, good: Sequence[float]) -> None:
        self._good = good
        self._evidence = Evidence(good) if len(good) >= LEAST else None
        self._recent: deque[float] = deque(maxlen=RECENT)

    def take(self, score: float) -> None:
        self._recent.append(score)
        if self._evidence:
            self._evidence.add(score)

    def forget(self) -> None:
        if self._evidence:
            self._evidence.forget()

    @property
    def strength(self) -> float:
        return self._evidence.total if self._evidence else 0.0

    @property
    def words(self) -> str:
        now, then = statistics.median(self._recent), statistics.median(self._good)
        way = "stranger" if now > then else "less strange"
        return f"good parts look {way} than in training (median score {now:.3g}, then {then:.3g})"


class _Looks:
    """How pictures look against how the first of this model looked."""

    def __init__(self, memory: Memory, model_hash: str) -> None:
        self._memory = memory
        self._model_hash = model_hash
        self._first = list(memory.recall(model_hash))
        self._recent: deque[Look] = deque(maxlen=RECENT)
        self._evidence: list[Evidence] = []
        self._begin()

    def take(self, row: PartRow) -> None:
        if row.brightness is None:
            return
        look = [float(getattr(row, aspect.field)) for aspect in ASPECTS]
        if not self._evidence:
            if row.verdict is Verdict.PASS:
                self._first.append(look)
                if self._begin():
                    self._memory.keep(self._model_hash, self._first)
            return
        self._recent.append(look)
        for value, evidence in zip(look, self._evidence, strict=True):
            evidence.add(value)

    def forget(self) -> None:
        for evidence in self._evidence:
            evidence.forget()

    @property
    def strength(self) -> float:
        """The mean over all aspects keeps the promise of one."""
        return sum(evidence.total for evidence in self._evidence) / len(ASPECTS)

    @property
    def changes(self) -> list[str]:
        """What has changed so much that it matters, in words."""
        if len(self._recent) < LEAST:
            return []
        before, after = zip(*self._first, strict=True), zip(*self._recent, strict=True)
        return [
            words for aspect, *both in zip(ASPECTS, before, after, strict=True) if (words := _change(aspect, *both))
        ]

    def _begin(self) -> bool:
        """Begin to watch, once it is known how pictures look."""
        if len(self._first) < LOOKED_AT:
            return False
        self._evidence = [Evidence(values) for values in zip(*self._first, strict=True)]
        return True


def _change(aspect: Aspect, before: Look, after: Look) -> str:
    then, now = statistics.median(before), statistics.median(after)
    if abs(now - then) < aspect.matters * (abs(then) if aspect.relative else 1):
        return ""
    return f"{aspect.name} {then:.3g} -> {now:.3g} ({aspect.more if now > then else aspect.less})"
