"""What was found, and how it is told."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any


class State(enum.Enum):
    """How one thing stands."""

    OK = "ok"
    WARN = "warn"  # there, but look at it
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    value: str
    state: State = State.OK
    advice: str = ""  # what to do; empty where all is well
    needed: bool = False  # the line cannot run without it


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, in the order to show it."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """False only when something that the line cannot run without is missing."""
        return not any(finding.needed and finding.state is State.MISSING for finding in self.findings)

    def lines(self) -> list[str]:
        """The report as aligned text, a line for each finding."""
        width = max((len(finding.name) for finding in self.findings), default=0)
        return [_line(finding, width) for finding in self.findings]

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON: {"ok": bool, "findings": [{"name", "value", "state", "advice", "needed"}]}."""
        return {"ok": self.ok, "findings": [asdict(f) | {"state": f.state.value} for f in self.findings]}


def _line(finding: Finding, width: int) -> str:
    advice = f"  -> {finding.advice}" if finding.advice else ""
    return f"{finding.state.value:<7}  {finding.name:<{width}}  {finding.value}{advice}"
