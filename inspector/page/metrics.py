"""The lines' figures as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inspector.page.live import Hub

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(hub: Hub) -> bytes:
    """All figures at this moment."""
    registry = CollectorRegistry()
    registry.register(_Lines(hub))
    return generate_latest(registry)


class _Lines(Collector):
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._counts()
        yield from self._running()

    def _counts(self) -> Iterator[Metric]:
        parts = CounterMetricFamily("line_parts", "Parts by verdict", labels=("camera", "verdict"))
        streak = GaugeMetricFamily("line_reject_streak", "Rejects in a row up to now", labels=("camera",))
        latency = GaugeMetricFamily("line_latency_seconds", "Capture to verdict of the last part", labels=("camera",))
        for name, feed in self._hub.feeds.items():
            state = feed.state
            for verdict in ("passed", "failed", "missed"):
                parts.add_metric((name, verdict), getattr(state.counts, verdict))
            streak.add_metric((name,), state.streak)
            if state.recent:
                latency.add_metric((name,), state.recent[-1].latency_ms / 1000)
        return iter((parts, streak, latency))

    def _running(self) -> Iterator[Metric]:
        running = GaugeMetricFamily("line_running", "1 while the line runs", labels=("camera", "product"))
        threshold = GaugeMetricFamily("line_threshold", "Score above which a part fails", labels=("camera", "product"))
        for name, control in self._hub.controls.items():
            now = control.now
            running.add_metric((name, now.product), float(now.running and not now.failed))
            threshold.add_metric((name, now.product), now.threshold)
        return iter((running, threshold))
