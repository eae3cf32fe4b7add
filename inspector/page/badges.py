"""The state of camera, trigger, model, controller and disk: amber where something deviates, red where it is lost."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.page.alarms import CAMERA_PARTS, DISK_FULL, DISK_LOW
from inspector.page.control import Running
from inspector.page.feed import FeedState, Judged
from inspector.page.schemas import Badge, State
from inspector.records import Cause

RECENT = 20  # parts a badge looks back


def badges(state: FeedState, now: Running | None, disk_free: float | None) -> list[Badge]:
    """One for each, always in the same order."""
    recent = state.recent[-RECENT:]
    return [
        _of_cause("camera", recent, Cause.CAMERA, "pictures come", waiting="no picture yet"),
        Badge(name="trigger", state="none", words="free running: each picture is a part"),
        _model(recent, now),
        _controller(recent, now),
        _disk(disk_free),
    ]


def _of_cause(name: str, recent: Sequence[Judged], cause: Cause, good: str, waiting: str) -> Badge:
    if not recent:
        return Badge(name=name, state="none", words=waiting)
    missed = sum(part.cause is cause for part in recent)
    if all(part.cause is cause for part in recent[-CAMERA_PARTS:]):
        return Badge(name=name, state="lost", words=recent[-1].detail or "lost")
    if missed:
        return Badge(name=name, state="deviates", words=f"{missed} of the last {len(recent)} parts missed")
    return Badge(name=name, state="good", words=good)


def _controller(recent: Sequence[Judged], now: Running | None) -> Badge:
    if now is None or not now.outputs:
        return Badge(name="controller", state="none", words="no output is set up")
    if now.away:
        return Badge(name="controller", state="lost", words=now.away)
    return _of_cause("controller", recent, Cause.OUTPUT, "is told every verdict", waiting="waits for the first verdict")


def _model(recent: Sequence[Judged], now: Running | None) -> Badge:
    if now is None:
        return Badge(name="model", state="none", words="no line here")
    if now.failed or not now.running:
        return Badge(name="model", state="lost", words="the line has ended")
    device = now.provider.removesuffix("ExecutionProvider")
    late = sum(part.cause in (Cause.DEADLINE, Cause.OVERFLOW) for part in recent)
    if late:
        return Badge(name="model", state="deviates", words=f"too slow for {late} of the last {len(recent)} parts")
    return Badge(name="model", state="good", words=f"{now.model_hash} on {device}")


def _disk(free: float | None) -> Badge:
    if free is None:
        return Badge(name="disk", state="none", words="nothing is kept")
    state: State = "lost" if free < DISK_FULL else "deviates" if free < DISK_LOW else "good"
    return Badge(name="disk", state=state, words=f"{100 * free:.0f} % free")
