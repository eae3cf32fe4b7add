"""One evaluation, with everything that its report tells and shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.evaluate.metrics import Metrics, Outcome
from export.evaluate.results import Result
from inspector.inspection import Inspector
from inspector.records import Verdict


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, and with what."""

    inspector: Inspector
    outcomes: Sequence[Outcome]
    metrics: Metrics
    result: Result
    paths: Mapping[str, Path]  # name of an image -> its file

    def count(self, anomalous: bool, *verdicts: Verdict) -> int:
        """How many parts of one class got one of these verdicts (default: any)."""
        wanted = verdicts or tuple(Verdict)
        return sum(o.anomalous is anomalous and o.inspection.verdict in wanted for o in self.outcomes)

    @property
    def let_through(self) -> int:
        """Defective parts that passed."""
        return self.count(True, Verdict.PASS)

    @property
    def false_rejects(self) -> int:
        """Good parts that were rejected, judged or not."""
        return self.count(False, Verdict.FAIL, Verdict.MISSED)

    @property
    def defects(self) -> int:
        return self.count(True)

    @property
    def good(self) -> int:
        return self.count(False)
