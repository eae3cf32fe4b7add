"""The history: every part that was recorded, searched; where and when the rejects were; export."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from inspector.page.access import Anyone
from inspector.page.context import Context, Ctx
from inspector.page.recorded import LABELS, Search, key_text, name_of, place_in_words, score_in_words, times_threshold
from inspector.page.routes.parts import Wanted
from inspector.record.rows import HourCounts, PartFilter
from inspector.record.store import Store
from inspector.records import Cause, Verdict

router = APIRouter(include_in_schema=False)
AT_ONCE = 50  # parts on one page
ROWS, COLS = 8, 8  # fields of the picture in which failed parts are counted
RANKED = 8  # of them that are shown


@dataclass(frozen=True, slots=True)
class Ranked:
    """One field of the picture, and the failed parts that were strangest there."""

    rank: int
    row: int
    col: int
    parts: int
    share: float  # of all failed parts
    so_far: float  # of all failed parts, with those of the ranks before
    words: str


@router.get("/history")
def history(request: Request, context: Ctx, asking: Anyone, search: Wanted) -> HTMLResponse:
    """The page."""
    if context.store is None:
        return context.page(request, "no_record.html.j2", title="History")
    store, wanted = context.store, search.wanted
    found = store.parts(wanted, **search.cursors, limit=AT_ONCE)
    product = search.product or (found[0].row.product if found else None)
    hours = store.per_hour(wanted)
    return context.page(
        request,
        "history.html.j2",
        search=search,
        parts=found,
        older=str(found[-1].cursor) if len(found) == AT_ONCE or search.after else None,
        newer=str(found[0].cursor) if found and search.cursors else None,
        counts=store.counts(wanted),
        hours=hours,
        chart=_chart(hours),
        causes=store.causes(wanted),
        every_cause=[cause.value for cause in Cause],
        product=product,
        places=_ranked(store, search, product),
        good=_good(context, product),
        shape=(ROWS, COLS),
        products=store.products(),
        cameras=[camera for camera in store.cameras() if camera],
        key_text=key_text,
        name_of=name_of,
        score_in_words=score_in_words,
        times_threshold=times_threshold,
        LABELS=LABELS,
    )


def _chart(hours: list[HourCounts]) -> dict[str, list[float]]:
    """What the chart draws: seconds since 1970, failed, and failed and missed together."""
    return {
        "at": [each.hour.timestamp() for each in hours],
        "failed": [each.counts.failed for each in hours],
        "rejected": [each.counts.failed + each.counts.missed for each in hours],
        "captured": [each.counts.captured for each in hours],
    }


def _ranked(store: Store, search: Search, product: str | None) -> list[Ranked]:
    """The fields in which most failed parts were strangest: a Pareto."""
    if product is None:
        return []
    found = store.worst_places(search.model_copy(update={"product": product}).wanted, (ROWS, COLS))
    total, so_far, ranked = sum(place.parts for place in found), 0, []
    for rank, place in enumerate(found[:RANKED], 1):
        so_far += place.parts
        words = place_in_words((place.col + 0.5) / COLS, (place.row + 0.5) / ROWS)
        share, together = place.parts / total, so_far / total
        ranked.append(Ranked(rank, place.row, place.col, place.parts, share, together, words))
    return ranked


@dataclass(frozen=True, slots=True)
class Good:
    """A good part to draw on: its address, and the picture's width and height in px."""

    key: str
    width: int
    height: int


def _good(context: Context, product: str | None) -> Good | None:
    """The newest part of the product that passed and of which a picture was kept."""
    if product is None or context.archive is None:
        return None
    wanted = PartFilter(product=product, verdicts=(Verdict.PASS,), archived=True)
    for found in context.record.parts(wanted, limit=3):
        image = cv2.imread(str(context.archive / str(found.row.image_path)))
        if image is not None:
            return Good(key_text(found.row.key), image.shape[1], image.shape[0])
    return None
