"""What a threshold is, what another one would do, and how it is moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone

from inspector.operating_points import marked_thresholds
from inspector.page.access import Who
from inspector.page.context import Context
from inspector.page.control import Running
from inspector.page.errors import Unknown
from inspector.page.feed import Judged
from inspector.page.schemas import Level, Moved, Scored, ThresholdState
from inspector.record.rows import Label, PartFilter, ThresholdRow
from inspector.record.store import Store
from inspector.records import Verdict

LABELLED = 5000  # parts of a product that somebody judged, looked at
NEED = {  # what must be known of parts for each of the three
    "miss_nothing": ("miss nothing", "judge some rejects as really bad first"),
    "fewest_errors": ("fewest errors", "judge some rejects as really bad first"),
    "reject_no_good_part": ("reject no good one", "the model knows no good parts that it has not learned from"),
}


def state_of(context: Context, camera: str) -> ThresholdState:
    """All of it. Raises Unknown where the camera has no line here."""
    now = context.control(camera).now
    good, bad = judged_scores(context.store, now)
    return ThresholdState(
        camera=camera,
        product=now.product,
        threshold=now.threshold,
        model_threshold=now.model_threshold,
        budget_percent=round(100 * now.budget, 3),
        held_out=list(now.held_out),
        recent=_scored(context.feed(camera).state.recent, now.product),
        levels=levels([*now.held_out, *good], bad),
        judged_good=len(good),
        judged_bad=len(bad),
        history=history(context.store, now.product),
        loading=bool(now.loading),
        refused=now.refused,
    )


def judged_scores(store: Store | None, now: Running) -> tuple[list[float], list[float]]:
    """Scores by the present model of parts that somebody judged: actually good, really bad."""
    if store is None:
        return [], []
    found = {}
    for label in Label:
        wanted = PartFilter(product=now.product, model_hash=now.model_hash, label=label)
        rows = store.parts(wanted, limit=LABELLED)
        found[label] = [each.row.score for each in rows if each.row.score is not None]
    return found[Label.ACTUALLY_GOOD], found[Label.REALLY_BAD]


def levels(good: Sequence[float], bad: Sequence[float]) -> list[Level]:
    """The three that are marked, and what each would do to these parts."""
    known = marked_thresholds(good, bad)
    return [
        Level(
            key=key,
            words=words,
            threshold=known.get(key),
            missed=sum(score <= known[key] for score in bad) if key in known and bad else None,
            false_rejects=sum(score > known[key] for score in good) if key in known else None,
            why_not="" if key in known else need,
        )
        for key, (words, need) in NEED.items()
    ]


def history(store: Store | None, product: str) -> list[Moved]:
    """Who moved it, newest first."""
    changes = store.threshold_changes(product, limit=20) if store else []
    return [Moved(old=row.old, new=row.new, who=row.who, utc=row.utc) for row in changes]


def move(context: Context, camera: str, threshold: float | None, asking: Who) -> None:
    """Use another threshold once the golden parts come out right with it; who asked for it is written down first, and
    that it was moved when it is used. Raises InspectorError.
    """
    control = context.control(camera)
    now = control.now
    control.check_threshold(threshold)
    new = now.model_threshold if threshold is None else threshold
    context.note(
        asking, "set threshold", now.product, camera=camera, old=now.threshold, new=new, auto=threshold is None
    )
    store = context.store

    def keep() -> None:
        if store:
            utc = datetime.now(timezone.utc)
            store.change_threshold(ThresholdRow(now.product, now.threshold, new, asking.title, utc, now.recipe_hash))

    control.set_threshold(threshold, keep)


def move_back(context: Context, camera: str, asking: Who) -> None:
    """Use the threshold before the last change. Raises Unknown where there was none."""
    now = context.control(camera).now
    before = history(context.store, now.product)
    if not before:
        raise Unknown(f"the threshold of {now.product} has not been moved")
    old = before[0].old
    move(context, camera, None if math.isclose(old, now.model_threshold) else old, asking)


def _scored(recent: Sequence[Judged], product: str) -> list[Scored]:
    return [
        Scored(
            number=judged.number,
            part=judged.part,
            score=judged.score,
            has_picture=judged.picture is not None,
        )
        for judged in recent
        if judged.product == product and judged.verdict is not Verdict.MISSED
    ]
