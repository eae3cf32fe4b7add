"""Where verdicts go."""

from __future__ import annotations

from typing import Protocol

from inspector.records import Counts, Inspection


class Sink(Protocol):
    """Takes every inspection of a run, in frame order, on one thread."""

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Take one verdict; `counts` includes it. Raises SinkError when it cannot be kept: the run stops."""

    def close(self) -> None:
        """Flush and release. Called once at the end of the run, also after an error."""
