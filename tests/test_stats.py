from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.records import Cause, Counts, Inspection, Verdict
from inspector.stats import LatencyHistogram, Stats
from inspector.testing import ManualClock, inspection_of


def inspection(verdict: Verdict, latency_ms: float = math.nan) -> Inspection:
    cause = Cause.OVERFLOW if verdict is Verdict.MISSED else None
    return inspection_of(0, verdict, latency_ms=latency_ms, cause=cause)


def counted(stats: Stats, *verdicts: Verdict) -> None:
    for verdict in verdicts:
        stats.capture()
        stats.record(inspection(verdict, 12.0))


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=300), st.sampled_from([50.0, 95.0, 99.0]))
def test_percentiles_are_numpys_to_one_percent(latencies, percent):
    histogram = LatencyHistogram()
    for latency in latencies:
        histogram.add(latency)
    assert histogram.percentile(percent) == pytest.approx(
        np.percentile(latencies, percent, method="inverted_cdf"), rel=0.01
    )


def test_percentiles_of_a_long_run_follow_the_distribution():
    latencies = np.random.default_rng(0).lognormal(2.5, 0.4, 20_000)
    histogram = LatencyHistogram()
    for latency in latencies:
        histogram.add(float(latency))
    wanted = np.percentile(latencies, [50, 95, 99])
    assert [histogram.percentile(p) for p in (50, 95, 99)] == pytest.approx(wanted, rel=0.015)


@pytest.mark.parametrize(("latency", "nearest"), [(0.0, 0.01), (-1.0, 0.01), (1e9, 1e6), (math.inf, 1e6)])
def test_latencies_out_of_range_count_as_the_nearest_end(latency, nearest):
    histogram = LatencyHistogram()
    histogram.add(latency)
    assert histogram.percentile(50) == pytest.approx(nearest, rel=0.01)


def test_missed_parts_count_but_have_no_latency():
    stats = Stats(ManualClock())
    stats.record(inspection(Verdict.PASS, 10.0))
    stats.record(inspection(Verdict.MISSED, 9000.0))
    assert stats.record(inspection(Verdict.FAIL, 10.0)) == Counts(1, 1, 1)
    assert stats.summary().latency_p99_ms == pytest.approx(10, rel=0.01)


def test_speed_is_all_captured_parts_over_the_whole_run():
    clock = ManualClock(now_ns=5_000_000_000)
    stats = Stats(clock)
    counted(stats, Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.MISSED)
    clock.wait(2)
    summary = stats.summary()
    assert (summary.elapsed_s, summary.parts_per_s, summary.yield_fraction) == (2, 2, 0.5)


def test_a_summary_reads_well():
    clock = ManualClock()
    stats = Stats(clock)
    counted(stats, Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.MISSED)
    clock.wait(2)
    first, latency, speed = stats.summary().lines()
    assert first == "captured 4  pass 2  fail 1  missed 1  yield 50.0 %"
    assert latency.startswith("latency p50 12.")
    assert speed == "2.0 s  2.0 parts/s"


def test_parts_under_way_and_late_judgements_are_told():
    stats = Stats(ManualClock())
    counted(stats, Verdict.PASS, Verdict.MISSED)
    stats.capture()
    stats.late()
    summary = stats.summary()
    assert (summary.captured, summary.under_way, summary.late) == (3, 1, 1)
    assert summary.account == "captured 3  pass 1  fail 0  missed 1  under way 1"
    assert summary.lines()[-1].startswith("late 1 ")


def test_a_run_without_parts_has_a_summary_without_nan():
    text = "\n".join(Stats(ManualClock()).summary().lines())
    assert "captured 0" in text
    assert "nan" not in text
