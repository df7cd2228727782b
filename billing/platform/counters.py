"""What a process counts, in plain numbers: most commands never show them, and a library for it would take longer to load than they run.

`exposition` turns them into metrics. A counter starts at 0 with its process; Prometheus adds up processes and restarts."""

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from threading import Lock

from sqlmodel import Session

from billing.platform.db import COUNTED

Labels = tuple[str, ...]
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0)
"""Upper bounds in seconds."""


class LabelledCounter:
    """Counts by the values of labels. Any thread may add."""

    def __init__(self, name: str, words: str, *labels: str) -> None:
        self.name, self.words, self.labels = name, words, labels
        self._counts: Counter[Labels] = Counter()
        self._lock = Lock()

    def add(self, *values: str, by: int = 1) -> None:
        """Add to the count of these label values."""
        with self._lock:
            self._counts[values] += by

    def counts(self) -> dict[Labels, int]:
        """All counts so far."""
        with self._lock:
            return dict(self._counts)


class LabelledHistogram:
    """Durations by the values of labels. Any thread may add."""

    def __init__(self, name: str, words: str, *labels: str) -> None:
        self.name, self.words, self.labels = name, words, labels
        self._sums: dict[Labels, float] = {}
        self._buckets: dict[Labels, list[int]] = {}
        self._lock = Lock()

    def add(self, *values: str, seconds: float) -> None:
        """Add a duration."""
        with self._lock:
            if values not in self._sums:
                self._sums[values], self._buckets[values] = 0.0, [0] * (len(BUCKETS) + 1)
            self._sums[values] += seconds
            self._buckets[values][bisect_left(BUCKETS, seconds)] += 1

    def sums(self) -> dict[Labels, tuple[list[int], float]]:
        """By label values: how many durations were at most as long as each bucket's bound, and their sum."""
        with self._lock:
            return {
                values: (list(accumulate(self._buckets[values])), total)
                for values, total in self._sums.items()
            }


def count_after_commit(session: Session, counter: LabelledCounter, *values: str) -> None:
    """Add 1 when the transaction has committed; nothing after a rollback."""
    session.info.setdefault(COUNTED, []).append((counter, values))


CHARGES = LabelledCounter(
    "masthead_charges",
    "Answers to charges, by what became of the charge; one in doubt is asked about again.",
    "outcome",
)
REFUNDS = LabelledCounter("masthead_refunds", "Answers to refunds, by the state that followed.", "state")
MAILS = LabelledCounter("masthead_mails", "Mails given to the relay, by its answer.", "outcome")
TICKS = LabelledCounter(
    "masthead_ticks", "Looks of the worker at what is due, by queue and result.", "queue", "result"
)
JOB_RUNS = LabelledCounter(
    "masthead_job_runs", "Scheduled jobs that ran, by result; `held`: while money is held.", "name", "result"
)
JOB_ITEMS = LabelledCounter("masthead_job_items", "What the jobs did, each in its own unit.", "name")
JOB_SECONDS = LabelledHistogram("masthead_job_seconds", "Duration of the jobs.", "name")
COUNTERS = (CHARGES, REFUNDS, MAILS, TICKS, JOB_RUNS, JOB_ITEMS)
HISTOGRAMS = (JOB_SECONDS,)
"""Everything that this process counts, whatever it does."""
