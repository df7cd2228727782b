"""Prometheus metrics of the access cache. Counted in plain numbers: a request takes thirty microseconds."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.access_cache.cache import AccessCache
from billing.access_cache.change_listener import ChangeListener

BUCKETS = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
"""Seconds."""
FRAMEWORK = "framework"
Counts = dict[tuple[str, ...], int]
"""By the values of labels."""


class GateMetrics(Collector):
    """Counters of one process, and the size of its cache."""

    def __init__(self, cache: AccessCache, listener: ChangeListener) -> None:
        self.listener = listener
        self.answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By route and reason; `FRAMEWORK` for requests passed on."""
        self.looked_up = 0
        """Answers that needed a lookup."""
        self.misses: Counter[str] = Counter()
        self.bypassed = 0
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self._cache = cache

    def answered(self, route: str, reason: str, seconds: float) -> None:
        """Count one more answer."""
        self.answers[route][reason] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """All figures, for Prometheus."""
        answers: Counts = {
            (route, reason): count
            for route, counts in self.answers.items()
            for reason, count in counts.items()
        }
        yield _counter("answers", "Answers by route and reason.", answers, "route", "reason")
        sums = zip([*map(str, BUCKETS), "+Inf"], accumulate(self.buckets), strict=True)
        words = "From request to answer."
        yield HistogramMetricFamily("masthead_gate_seconds", words, list(sums), self.seconds)
        ours = sum(count.total() - count[FRAMEWORK] for count in self.answers.values())
        yield _counter("hits", "Answers that needed no look into the database.", {(): ours - self.looked_up})
        misses: Counts = {(kind,): count for kind, count in self.misses.items()}
        yield _counter("misses", "Looks into the database.", misses, "kind")
        yield _counter(
            "bypassed", "Requests for which memory was not believed: the line was down.", {(): self.bypassed}
        )
        size = GaugeMetricFamily("masthead_gate_kept", "What is in memory.", labels=["kind"])
        for kind, kept in self._cache.by_kind.items():
            size.add_metric([kind], len(kept))
        yield size
        yield GaugeMetricFamily(
            "masthead_gate_listening", "1 while the line is believed.", self.listener.is_fresh
        )
        lag = "What our last word on the line took to come back."
        yield GaugeMetricFamily("masthead_gate_lag_seconds", lag, self.listener.lag)
        yield _counter("cuts", "How often the line was cut.", {(): self.listener.cuts})


def _counter(name: str, words: str, counts: Counts, *labels: str) -> Metric:
    family = CounterMetricFamily(f"masthead_gate_{name}", words, labels=list(labels))
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
