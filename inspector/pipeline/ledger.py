"""The account of a run: exactly one verdict for each captured frame, in frame order, none after its deadline.

Owned by the thread "line-deliver".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inspector.identity import PartIdentity
from inspector.inspection import Inspector
from inspector.records import Cause, Inspection, Verdict

PICTURES_BYTES = 256_000_000
PICTURES = 64  # of missed parts kept at once, while an earlier verdict is waited for


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """A frame that was announced, ahead of the frame itself: from here on it is owed a verdict."""

    identity: PartIdentity
    inspector: Inspector  # the one in charge when the frame was captured

    @property
    def deadline_ns(self) -> int | None:
        """When a verdict is too late; None where it never is."""
        deadline_ms = self.inspector.recipe.deadline_ms
        return None if deadline_ms is None else self.identity.captured_ns + round(deadline_ms * 1e6)

    def expired(self, now_ns: int) -> bool:
        """Return whether a verdict is too late now."""
        return self.deadline_ns is not None and now_ns >= self.deadline_ns

    def missed(self, cause: Cause, detail: str) -> Inspection:
        """Return the verdict on a frame that was not judged."""
        return self.inspector.missed(self.identity, cause, detail)


class Ledger:
    """Takes frames that are announced, and verdicts, in any order; gives verdicts back in the order of frames.

    The first verdict on a frame counts, and only until the frame's deadline: then the frame is MISSED, at once. A
    judgement that comes later goes to `on_late`. It belongs to one thread at a time.
    """

    def __init__(self, now_ns: Callable[[], int], on_late: Callable[[Inspection], None]) -> None:
        self._now_ns = now_ns
        self._on_late = on_late
        self._owed: dict[int, PendingFrame] = {}
        self._verdicts: dict[int, Inspection] = {}
        self._next = 0
        self._closed = False

    def take(self, news: PendingFrame | Inspection) -> None:
        """Note a frame, or a verdict on one."""
        if isinstance(news, PendingFrame):
            self._owed[news.identity.number] = news
        elif news.index >= self._next:
            # A model that is slow on one part must not fill the memory with pictures of those that it misses.
            keep = news.verdict is not Verdict.MISSED or self._has_room()
            self._verdicts.setdefault(news.index, news if keep else news.without_pictures())
        else:
            self._note_late(news)

    def _has_room(self) -> bool:
        held = self._verdicts.values()
        return len(held) < PICTURES and sum(verdict.nbytes for verdict in held) < PICTURES_BYTES

    def close(self) -> None:
        """Take no more judgements: what is still owed is MISSED."""
        self._closed = True

    def pop(self) -> Inspection | None:
        """Return the verdict on the next frame, given out now; None where it has to be waited for."""
        now_ns = self._now_ns()
        verdict = self._next_verdict(now_ns)
        if verdict is None:
            return None
        self._owed.pop(self._next, None)
        self._verdicts.pop(self._next, None)
        self._next += 1
        return verdict.given_out(now_ns)

    def patience_s(self, at_most: float) -> float:
        """Return for how long to wait for news: at the next deadline `pop` has a verdict by itself."""
        owed = self._owed.get(self._next)
        if owed is None or owed.deadline_ns is None:
            return at_most
        return min(at_most, max(0.0, (owed.deadline_ns - self._now_ns()) / 1e9))

    def _next_verdict(self, now_ns: int) -> Inspection | None:
        verdict, owed = self._verdicts.get(self._next), self._owed.get(self._next)
        if owed is None or (verdict is not None and verdict.verdict is Verdict.MISSED):
            return verdict
        if owed.expired(now_ns):
            if verdict is not None:
                self._note_late(verdict)
            return owed.missed(Cause.DEADLINE, f"no verdict within {owed.inspector.recipe.deadline_ms:g} ms")
        if verdict is None and self._closed:
            return owed.missed(Cause.SHUTDOWN, "the run ended first")
        return verdict

    def _note_late(self, inspection: Inspection) -> None:
        if inspection.verdict is not Verdict.MISSED:
            self._on_late(inspection)
