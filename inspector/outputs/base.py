"""What every output can do, and the line of text in which those that speak tell it."""

from __future__ import annotations

import enum
import json
from typing import Protocol

from inspector.records import Inspection


class State(enum.Enum):
    """What the line is to do with the part. There is no fourth: what is not PASS does not pass."""

    PASS = "PASS"
    REJECT = "REJECT"
    SAFE = "SAFE"  # nobody judges: stop the line, or reject every part


class Output(Protocol):
    """Acts on the line: a reject gate, a controller, a lamp. Made by opening it, in its safe state.

    Verdicts come in frame order on one thread; `safe` may come from any thread, at any moment and more than once.
    All of them return within a second or raise OutputError, which ends the run.
    """

    def apply(self, inspection: Inspection) -> None:
        """Tell the line about one part: PASS for a pass, REJECT for anything else."""

    def safe(self, why: str) -> None:
        """Go to the safe state, whatever was before."""

    def close(self) -> None:
        """Release the device. The safe state must outlast it. Called once, after `safe`; never raises."""


def state_of(inspection: Inspection) -> State:
    """What to do with a part: a missed one is a reject."""
    return State.REJECT if inspection.verdict.reject else State.PASS


def verdict_message(inspection: Inspection) -> str:
    """One part as a line of JSON, without its line end."""
    cause = None if inspection.cause is None else inspection.cause.value
    facts = {"frame": inspection.index, "part": inspection.part, "product": inspection.product}
    return json.dumps(
        {"state": state_of(inspection).value, **facts, "verdict": inspection.verdict.value, "cause": cause}
    )


def safe_message(why: str) -> str:
    """The safe state as a line of JSON, without its line end."""
    return json.dumps({"state": State.SAFE.value, "why": " ".join(why.split())})
