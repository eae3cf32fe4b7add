"""The state of camera, trigger, model, controller and disk: amber where something deviates, red where it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from inspector.page.alarms import CAMERA_PARTS, DISK_FULL, DISK_LOW
from inspector.page.control import Running
from inspector.page.feed import FeedState, Judged
from inspector.page.schemas import Badge, State
from inspector.pipeline.capture import SKIPPED
from inspector.records import Cause

RECENT = 20  # parts a badge looks back
OFF_RATE = 0.2  # share by which the rate of pictures may differ from the one that was set
LONG_S = 5.0  # without a picture, and
LONG_PERIODS = 10  # without one for so many periods: parts pass unseen, or none come
LOST_S, LOST_PERIODS = 15.0, 30  # likewise, where the rate was set and so parts must come: none is triggered any more
MOST_SKIPPED = RECENT // 2  # of the last pictures, which the camera counted and did not deliver
NO_PICTURE = (Cause.CAMERA, Cause.DECODE)  # what the camera sent is none
NOT_THE_PART = {Cause.SIZE: "pictures of another size", Cause.ALIGN: "no part found"}  # not as the recipe wants it


def badges(
    state: FeedState, now: Running | None, disk_free: float | None, now_s: float, troubles: Sequence[str] = ()
) -> list[Badge]:
    """One for each, always in the same order. `now_s` is the feed's clock, `troubles` what is not kept at present."""
    recent = state.recent[-RECENT:]
    return [
        _camera(recent),
        _trigger(recent, now, now_s),
        _model(recent, now),
        _controller(recent, now),
        _disk(disk_free, troubles),
    ]


def _camera(recent: Sequence[Judged]) -> Badge:
    others = [part.cause for part in recent if part.cause in NOT_THE_PART]
    found = _of_causes("camera", recent, NO_PICTURE, "pictures come", waiting="no picture yet")
    if found.state != "good" or not others:
        return found
    words = f"{NOT_THE_PART[others[-1]]}: {len(others)} of the last {len(recent)} parts"
    return Badge(name="camera", state="deviates", words=words)


def _trigger(recent: Sequence[Judged], now: Running | None, now_s: float) -> Badge:
    """No source has a trigger of its own: each picture is a part. What can be known is whether they come in time.

    A camera that is away is told of by its own badge: for each period a part is missed, so that it is never silent.
    """
    silent = _silent(recent, now, now_s)
    if silent is not None:
        return silent
    skipped = sum(part.detail.startswith(SKIPPED) for part in recent)
    if skipped:
        words = f"the camera skipped {skipped} of the last {len(recent)} pictures"
        return _trigger_off(words, "lost" if skipped >= MOST_SKIPPED else "deviates")
    if now is None or not now.live:
        return Badge(name="trigger", state="none", words="a replay has none: each picture is a part")
    period_s = _period_s(recent)
    if not now.running or period_s is None:
        return Badge(name="trigger", state="none", words="none: each picture is a part")
    rate_hz, wanted_hz = 1 / period_s, now.rate_hz
    if wanted_hz and abs(rate_hz - wanted_hz) > OFF_RATE * wanted_hz:
        return _trigger_off(f"{rate_hz:.3g} pictures a second, {wanted_hz:g} are set")
    return Badge(name="trigger", state="good" if wanted_hz else "none", words=f"free running, {rate_hz:.3g} a second")


def _silent(recent: Sequence[Judged], now: Running | None, now_s: float) -> Badge | None:
    """Where no picture has come for long. Without a rate that was set the line may just stand still: that is amber."""
    if now is None or not now.live or not now.running or not recent:
        return None
    set_s = 1 / now.rate_hz if now.rate_hz else None
    silent_s, period_s = now_s - recent[-1].written_s, _period_s(recent) or set_s
    words = f"no picture for {silent_s:.0f} s"
    if set_s is not None and silent_s > max(LOST_S, LOST_PERIODS * set_s):
        return _trigger_off(f"{words}, {now.rate_hz:g} a second are set", "lost")
    if period_s is not None and silent_s > max(LONG_S, LONG_PERIODS * period_s):
        return _trigger_off(words)
    return None


def _trigger_off(words: str, state: State = "deviates") -> Badge:
    return Badge(name="trigger", state=state, words=words)


def _period_s(recent: Sequence[Judged]) -> float | None:
    """Between two pictures; None where that is not known."""
    gaps = [(after.utc - before.utc).total_seconds() for before, after in pairwise(recent)]
    return median(gaps) if len(gaps) >= RECENT // 2 and median(gaps) > 0 else None


def _of_causes(name: str, recent: Sequence[Judged], causes: Sequence[Cause], good: str, waiting: str) -> Badge:
    if not recent:
        return Badge(name=name, state="none", words=waiting)
    missed = sum(part.cause in causes for part in recent)
    if all(part.cause in causes for part in recent[-CAMERA_PARTS:]):
        return Badge(name=name, state="lost", words=recent[-1].detail or "lost")
    if missed:
        return Badge(name=name, state="deviates", words=f"{missed} of the last {len(recent)} parts missed")
    return Badge(name=name, state="good", words=good)


def _controller(recent: Sequence[Judged], now: Running | None) -> Badge:
    if now is None or not now.outputs:
        return Badge(name="controller", state="none", words="no output is set up")
    if now.away:
        return Badge(name="controller", state="lost", words=now.away)
    return _of_causes(
        "controller", recent, [Cause.OUTPUT], "is told every verdict", waiting="waits for the first verdict"
    )


def _model(recent: Sequence[Judged], now: Running | None) -> Badge:
    if now is None:
        return Badge(name="model", state="none", words="no line here")
    if now.failed or not now.running:
        return Badge(name="model", state="lost", words="the line has ended")
    late = sum(part.cause in (Cause.DEADLINE, Cause.OVERFLOW) for part in recent)
    if late:
        return Badge(name="model", state="deviates", words=f"too slow for {late} of the last {len(recent)} parts")
    good = f"{now.provider.removesuffix('ExecutionProvider')}, {now.model_hash}"
    found = _of_causes("model", recent, [Cause.MODEL], good, waiting=good)
    if found.state in ("good", "none") and now.refused:
        return Badge(name="model", state="deviates", words="not as its recipe: the last changeover was refused")
    return Badge(name="model", state="good" if found.state == "none" else found.state, words=found.words)


def _disk(free: float | None, troubles: Sequence[str]) -> Badge:
    if free is None:
        return Badge(name="disk", state="none", words="nothing is kept")
    full = f"{100 * free:.0f} % free"
    if free < DISK_FULL:
        return Badge(name="disk", state="lost", words=full)
    if troubles:
        return Badge(name="disk", state="deviates", words=troubles[0])
    state: State = "deviates" if free < DISK_LOW else "good"
    return Badge(name="disk", state=state, words=full)
