"""What a run did, in numbers: counts, latency percentiles, speed. Its memory does not grow with the run.

Latencies fall into bins whose edges grow by a constant factor, so a percentile is known to 1 % of its value whatever
its size: 128 bins per decade are 1.8 % wide, and the middle of a bin is at most 0.91 % from anything in it. Eight
decades reach from 0.01 ms to 1000 s; what lies outside counts as the nearest end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from inspector.records import Counts, Inspection, Verdict

LOWEST_MS = 0.01
BINS_PER_DECADE = 128
BINS = 8 * BINS_PER_DECADE


class LatencyHistogram:
    """Counts latencies in log-spaced bins; 1024 integers, however many latencies it took."""

    def __init__(self) -> None:
        self._bins = [0] * BINS
        self._total = 0

    def add(self, latency_ms: float) -> None:
        """Take one latency. NaN is ignored: the part was never judged."""
        if math.isnan(latency_ms):
            return
        self._bins[_bin(latency_ms)] += 1
        self._total += 1

    def percentile(self, percent: float) -> float:
        """Return the latency in ms that `percent` of all do not exceed, to 1 %; nan where there are none.

        By nearest rank: it is one of the latencies, not a value between two (numpy calls this `inverted_cdf`).
        """
        rank = max(1, math.ceil(self._total * percent / 100))
        seen = 0
        for number, count in enumerate(self._bins):
            seen += count
            if seen >= rank:
                return float(LOWEST_MS * 10 ** ((number + 0.5) / BINS_PER_DECADE))
        return math.nan


def _bin(latency_ms: float) -> int:
    if latency_ms <= LOWEST_MS:
        return 0
    if latency_ms >= LOWEST_MS * 10 ** (BINS / BINS_PER_DECADE):
        return BINS - 1
    return min(BINS - 1, int(math.log10(latency_ms / LOWEST_MS) * BINS_PER_DECADE))


@dataclass(frozen=True, slots=True)
class Summary:
    """A run so far. Latencies are those of judged parts, capture to verdict; nan where there are none."""

    captured: int  # counted where frames come in; the verdicts in `counts` where they go out
    counts: Counts
    late: int  # judgements that came after their frame was given MISSED, and count as nothing else
    latency_p50_ms: float
    latency_p95_ms: float
    latency_p99_ms: float
    elapsed_s: float

    @property
    def yield_fraction(self) -> float:
        """Share of captured parts that passed; nan before the first."""
        return self.counts.yield_fraction

    @property
    def parts_per_s(self) -> float:
        """Captured parts per second of the whole run, missed ones included; nan where no time has passed."""
        return self.captured / self.elapsed_s if self.elapsed_s > 0 else math.nan

    @property
    def under_way(self) -> int:
        """Captured parts whose verdict is still to come; 0 at the end of a run, whatever ended it."""
        return self.captured - self.counts.captured

    @property
    def account(self) -> str:
        """Where every captured part has gone, in a line."""
        counts = self.counts
        verdicts = f"pass {counts.passed}  fail {counts.failed}  missed {counts.missed}"
        under_way = f"  under way {self.under_way}" if self.under_way else ""
        return f"captured {self.captured}  {verdicts}{under_way}"

    def lines(self) -> list[str]:
        """Return the summary as text for the end of a run."""
        percentiles = (
            f"p50 {self.latency_p50_ms:.1f} ms  p95 {self.latency_p95_ms:.1f} ms  p99 {self.latency_p99_ms:.1f} ms"
        )
        return [
            f"{self.account}  yield {_or_dash(100 * self.yield_fraction, ' %')}",
            f"latency {percentiles}" if not math.isnan(self.latency_p50_ms) else "latency - (no part was judged)",
            f"{self.elapsed_s:.1f} s  {_or_dash(self.parts_per_s, ' parts/s')}",
            *([f"late {self.late}  (judged after the deadline: missed)"] if self.late else []),
        ]


def _or_dash(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}{unit}"


class Stats:
    """Adds up a run. The clock starts when it is made. Each of the counting methods belongs to one thread."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._started_ns = now_ns()
        self._captured = 0
        self._late = 0
        self._counts = Counts()
        self._latencies = LatencyHistogram()

    @property
    def counts(self) -> Counts:
        return self._counts

    def capture(self) -> None:
        """Count one frame that came in."""
        self._captured += 1

    def late(self) -> None:
        """Count one judgement that came too late."""
        self._late += 1

    def record(self, inspection: Inspection) -> Counts:
        """Take one inspection; returns the counts including it."""
        self._counts = self._counts.plus(inspection.verdict)
        if inspection.verdict is not Verdict.MISSED:
            self._latencies.add(inspection.latency_ms)
        return self._counts

    def summary(self) -> Summary:
        p50, p95, p99 = (self._latencies.percentile(percent) for percent in (50, 95, 99))
        counts, elapsed_s = self._counts, (self._now_ns() - self._started_ns) / 1e9  # counts first: see `under_way`
        return Summary(self._captured, counts, self._late, p50, p95, p99, elapsed_s)
