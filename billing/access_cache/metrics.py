"""What the gate did, as Prometheus reads it. Counted in plain numbers, because a request is answered in thirty microseconds."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.access_cache.change_listener import Line
from billing.access_cache.load import Loader
from billing.access_cache.memory import Memory

BUCKETS = (
    0.00005,
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
)
"""Seconds."""
FRAMEWORK = "framework"


class Measures(Collector):
    """Counters of one process, and the state of its memory."""

    def __init__(self, memory: Memory, line: Line, loader: Loader) -> None:
        self.memory = memory
        self.line = line
        self.loader = loader
        self.answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By route, and by reason; `FRAMEWORK` where it was handed on."""
        self.looked = 0
        """Answers for which something was looked up."""
        self.misses: Counter[str] = Counter()
        self.bypassed = 0
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def answered(self, route: str, reason: str, seconds: float) -> None:
        """One more answer, after so long."""
        self.answers[route][reason] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """All figures, for the library that writes them down."""
        yield self._answers()
        yield self._latency()
        found = CounterMetricFamily("masthead_gate_hits", "Answers that needed no look into the database.")
        ours = sum(count.total() - count[FRAMEWORK] for count in self.answers.values())
        found.add_metric([], ours - self.looked)
        yield found
        missed = CounterMetricFamily("masthead_gate_misses", "Looks into the database.", labels=["kind"])
        for kind, count in self.misses.items():
            missed.add_metric([kind], count)
        yield missed
        around = CounterMetricFamily(
            "masthead_gate_bypassed", "Requests for which memory was not believed: the line was down."
        )
        around.add_metric([], self.bypassed)
        yield around
        yield from self._state()

    def _answers(self) -> Metric:
        family = CounterMetricFamily(
            "masthead_gate_answers", "Answers by route and reason.", labels=["route", "reason"]
        )
        for route, by_reason in self.answers.items():
            for reason, count in by_reason.items():
                family.add_metric([route, reason], count)
        return family

    def _latency(self) -> Metric:
        counts, sums = 0, []
        for edge, count in zip([*map(str, BUCKETS), "+Inf"], self.buckets, strict=True):
            counts += count
            sums.append((edge, counts))
        family = HistogramMetricFamily("masthead_gate_seconds", "From request to answer.")
        family.add_metric([], sums, self.seconds)
        return family

    def _state(self) -> Iterator[Metric]:
        size = GaugeMetricFamily("masthead_gate_kept", "What is in memory.", labels=["kind"])
        for kind in ("standings", "sessions", "tokens", "externals", "keys", "articles"):
            size.add_metric([kind], len(getattr(self.memory, kind)))
        yield size
        yield GaugeMetricFamily("masthead_gate_listening", "1 while the line is believed.", self.line.is_up)
        yield GaugeMetricFamily(
            "masthead_gate_lag_seconds", "What our last word on the line took to come back.", self.line.lag
        )
        cuts = CounterMetricFamily("masthead_gate_cuts", "How often the line was cut.")
        cuts.add_metric([], self.line.cuts)
        yield cuts
