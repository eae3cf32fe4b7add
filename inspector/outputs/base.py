"""What every output can do, and the line of text in which those that speak tell it."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol, TypeAlias

from inspector.records import Inspection

Facts: TypeAlias = dict[str, str | int | float | None]


class OutputState(enum.Enum):
    """What the line is to do with a part. Anything but PASS must not pass."""

    PASS = "PASS"
    REJECT = "REJECT"
    SAFE = "SAFE"  # parts are not judged: stop the line, or reject every part


class Output(Protocol):
    """Acts on the line: a reject gate, a controller, a lamp. Made by opening it, in its safe state.

    Verdicts come in frame order on one thread; `beat` comes from another one all the while, and `safe` from any thread,
    at any moment and more than once. All of them return within a second or raise OutputError, which ends the run.
    """

    @property
    def away(self) -> str:
        """Why it cannot be told anything at present, and so no part may pass; empty where it can."""

    def apply(self, inspection: Inspection) -> None:
        """Tell the line about one part: PASS for a pass, REJECT for anything else."""

    def beat(self) -> None:
        """Show that somebody is there. May take longer where it is away: here it may come back."""

    def safe(self, why: str) -> None:
        """Go to the safe state, whatever was before."""

    def close(self) -> None:
        """Release the device. The safe state must outlast it. Called once, after `safe`; never raises."""


def state_of(inspection: Inspection) -> OutputState:
    """Return what to do with a part: a missed one is a reject."""
    return OutputState.REJECT if inspection.verdict.reject else OutputState.PASS


class OutputLines:
    """Makes the lines of JSON for one output, without their ends. It belongs to one thread at a time.

    Each has a number, one more than the line before, the time, and how long it may take until the next: a receiver that
    hears nothing for `period_s` must take it for SAFE.
    """

    def __init__(
        self, camera: str = "", product: str = "", period_s: float = 1.0, utc_now: Callable[[], datetime] | None = None
    ) -> None:
        self._camera = camera
        self._product = product
        self._period_s = period_s
        self._utc_now = utc_now or (lambda: datetime.now(timezone.utc))
        self._last: Facts = {}
        self.number = 0  # of the last line

    def verdict(self, inspection: Inspection) -> str:
        """Return the line about one part."""
        self._product = inspection.product
        cause = None if inspection.cause is None else inspection.cause.value
        part: Facts = {"frame": inspection.index, "part": inspection.part}
        return self._line(
            {"state": state_of(inspection).value} | part | {"verdict": inspection.verdict.value, "cause": cause}
        )

    def safe(self, why: str) -> str:
        """Return the line that says SAFE."""
        return self._line({"state": OutputState.SAFE.value, "why": " ".join(why.split())})

    def beat(self) -> str:
        """Return a line that says that somebody is there. It is about no part, and so has no state."""
        return self._stamped({"heartbeat": True})

    def again(self) -> str:
        """Return the last line once more, with a new number and time: for where only the last line is kept."""
        return self._stamped(self._last)

    def _line(self, facts: Facts) -> str:
        self._last = facts
        return self._stamped(facts)

    def _stamped(self, facts: Facts) -> str:
        self.number += 1
        utc = self._utc_now().astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        who: Facts = {"camera": self._camera, "product": self._product}
        return json.dumps(facts | who | {"number": self.number, "utc": utc, "period_s": self._period_s})
