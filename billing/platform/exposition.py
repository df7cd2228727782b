"""Turns what a process counted into Prometheus metrics."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.platform.counters import BUCKETS, COUNTERS, HISTOGRAMS, LabelledCounter, LabelledHistogram
from billing.platform.db import Database

_BOUNDS = [*map(str, BUCKETS), "+Inf"]


class Counted(Collector):
    """Counters and histograms as metrics."""

    def __init__(
        self, counters: Iterable[LabelledCounter] = (), histograms: Iterable[LabelledHistogram] = ()
    ) -> None:
        self._counters, self._histograms = tuple(counters), tuple(histograms)

    def collect(self) -> Iterator[Metric]:
        """All figures, for Prometheus."""
        for counter in self._counters:
            counts = CounterMetricFamily(counter.name, counter.words, labels=counter.labels)
            for values, count in counter.counts().items():
                counts.add_metric(values, count)
            yield counts
        for histogram in self._histograms:
            durations = HistogramMetricFamily(histogram.name, histogram.words, labels=histogram.labels)
            for values, (sums, total) in histogram.sums().items():
                durations.add_metric(values, list(zip(_BOUNDS, sums, strict=True)), total)
            yield durations


class ConnectionPoolMetrics(Collector):
    """How many database connections of the process's pool are in use, and how many it may open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """Both figures, for Prometheus."""
        used, most = self._database.connections_in_use, self._database.most_connections
        yield GaugeMetricFamily(
            "masthead_database_connections_in_use", "Connections taken from the pool.", used
        )
        yield GaugeMetricFamily("masthead_database_connections_limit", "Connections the pool may open.", most)


def process_registry(database: Database) -> CollectorRegistry:
    """The metrics that every process has: what it counted, its pool, its CPU, memory and open files."""
    registry = CollectorRegistry()
    registry.register(Counted(COUNTERS, HISTOGRAMS))
    registry.register(ConnectionPoolMetrics(database))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
