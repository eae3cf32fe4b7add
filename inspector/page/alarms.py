"""What needs somebody, and what to do: pure functions over what a line has judged lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inspector.page.control import Running
from inspector.page.feed import FeedState, Judged
from inspector.page.schemas import Alarm
from inspector.records import Cause, Verdict

STREAK = 20  # rejects in a row
CAMERA_PARTS = 3  # missed parts in a row because of the camera
WINDOW = 200  # parts over which rates are looked at
LEAST = 50  # fewer say nothing about a rate
PLAUSIBLE_TIMES = 10  # a reject rate above so many times the budget, and above PLAUSIBLE_RATE, is not the parts' fault
PLAUSIBLE_RATE = 0.3
DISK_LOW, DISK_FULL = 0.10, 0.02  # free share of a disk


def alarms(
    state: FeedState, now: Running | None, drift: str, disk_free: float | None, troubles: Sequence[str] = ()
) -> list[Alarm]:
    """All that apply, the most urgent first. `troubles`: what is not kept at present, a line each."""
    found = [
        _failed(now),
        _camera(state.recent),
        _streak(state.streak, state.recent),
        _disk(disk_free),
        _refused(now),
        _golden(now),
        _rates(state.recent[-WINDOW:], now),
        _drift(drift),
        _not_kept(troubles),
    ]
    return sorted((alarm for alarm in found if alarm), key=lambda alarm: not alarm.severe)


def _failed(now: Running | None) -> Alarm | None:
    if now is None or not now.failed:
        return None
    return _alarm("failed", True, "The line has stopped", f"{now.failed}. Mend that and start the line again.")


def _camera(recent: Sequence[Judged]) -> Alarm | None:
    last = recent[-CAMERA_PARTS:]
    if len(last) < CAMERA_PARTS or any(part.cause is not Cause.CAMERA for part in last):
        return None
    if "frozen" in last[-1].detail:
        return _alarm(
            "frozen", True, "Camera frozen", "It sends the same picture again and again: switch it off and on."
        )
    advice = f"{last[-1].detail or 'No pictures come'}: check its cable and power. Every part counts as a reject."
    return _alarm("camera", True, "Camera lost", advice)


def _streak(streak: int, recent: Sequence[Judged]) -> Alarm | None:
    if streak < STREAK:
        return None
    cause = recent[-1].cause
    if cause is not None:
        advice = f"None was judged ({cause.value}: {recent[-1].detail}). Stop the line and mend that first."
    else:
        advice = (
            "Stop the line. Is it the right product? Compare the last rejects with a good part; check lamp and lens."
        )
    return _alarm("streak", True, f"{streak} rejects in a row", advice)


def _disk(free: float | None) -> Alarm | None:
    if free is None or free >= DISK_LOW:
        return None
    advice = (
        "Move pictures and logs elsewhere, or add space. Without space no verdict can be written, and the line ends."
    )
    return _alarm("disk", free < DISK_FULL, f"Disk nearly full: {100 * free:.0f} % free", advice)


def _refused(now: Running | None) -> Alarm | None:
    if now is None or not now.refused:
        return None
    return _alarm("refused", False, f"Changeover refused, {now.product} goes on", now.refused)


def _golden(now: Running | None) -> Alarm | None:
    """Of the running recipe only: another one has not been checked yet."""
    last = now.golden if now else None
    if now is None or last is None or not last.wrong or last.recipe_hash != now.recipe_hash:
        return None
    advice = f"{last.wrong}. Check lamp, lens and camera; do not trust verdicts until a check comes out right."
    return _alarm("golden", True, "Golden parts came out wrong", advice)


def _rates(recent: Sequence[Judged], now: Running | None) -> Alarm | None:
    judged = [part for part in recent if part.verdict is not Verdict.MISSED]
    if len(judged) < LEAST or now is None:
        return None
    rate = sum(part.verdict is Verdict.FAIL for part in judged) / len(judged)
    if rate > max(PLAUSIBLE_RATE, PLAUSIBLE_TIMES * now.budget):
        return _alarm(
            "rate",
            False,
            f"{100 * rate:.0f} % of the last {len(judged)} parts fail",
            "That is rarely the parts. Check product, lamp, lens and where the part lies in the picture.",
        )
    if _all_alike(judged):
        return _alarm(
            "alike", False, "Every part looks the same", "The scores do not vary: is the camera looking at the line?"
        )
    return None


def _all_alike(judged: Iterable[Judged]) -> bool:
    """Real parts never score the same to the last digit."""
    return len({part.score for part in judged}) == 1


def _not_kept(troubles: Sequence[str]) -> Alarm | None:
    if not troubles:
        return None
    advice = f"{'; '.join(dict.fromkeys(troubles))}. The log has every verdict."
    return _alarm("kept", False, "The line runs, but not all of it is kept", advice)


def _drift(words: str) -> Alarm | None:
    return _alarm("drift", False, "Good parts look different from before", words) if words else None


def _alarm(key: str, severe: bool, title: str, advice: str) -> Alarm:
    return Alarm(key=key, severe=severe, title=title, advice=advice)
