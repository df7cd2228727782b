"""Benchmark of a day's run with 1, 2 and 4 workers on one database: memory, renewals and webhooks settled, and what waits beside it.

`MASTHEAD_DAY` sets the number of subscriptions and `MASTHEAD_DAY_DUE` how many are due; by default a thirtieth, as the days of a month
share them. The CPU is that of the workers and of PostgreSQL together: on a machine with few cores it says more than the time."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.crowd import a_database, grow, live_through, make_due, webhooks_arrive
from tests.bench.day_beside import beside_figures
from tests.bench.figures import Figure
from tests.bench.workers import TookCpu, let_work, workers

PART = "day"
WORKERS = (1, 2, 4)
WARM = 64
"""Renewals before the measured ones, in which each process writes and plans its statements."""
RUN_BOUND = (
    "CPU: two thirds a worker's Python, a third PostgreSQL's. Workers share nothing but the database, so n cores renew n times as"
    " many until PostgreSQL has no core left; in life the acquirer's rate limit bounds first (20 charges a second by default)."
)
SETTLE_BOUND = (
    "PostgreSQL's CPU: 50 events of charges that are recorded are claimed and settled by four statements"
)
MEMORY_BOUND = (
    "a batch of 256 rows and the window of open attempts; nothing is kept of a batch that is settled"
)


@dataclass(frozen=True, slots=True)
class Size:
    """The number of subscriptions, and how many are due."""

    subscriptions: int
    due: int


def size_of(quick: bool) -> Size:
    """The size asked for."""
    subscriptions = int(os.environ.get("MASTHEAD_DAY", 3_000 if quick else 100_000))
    return Size(subscriptions, int(os.environ.get("MASTHEAD_DAY_DUE", subscriptions // 30)))


def measure(quick: bool) -> list[Figure]:
    """A morning's run, again with more workers, and once with the whole worker and readers who wait beside it."""
    size = size_of(quick)
    with a_database() as url:
        grow(url, size.subscriptions)
        live_through(url, 1)
        return [
            *_memory(url, size),
            *_renewing(url, size),
            *_settling(url, size),
            *beside_figures(url, size.due),
        ]


def _memory(url: str, size: Size) -> list[Figure]:
    with workers(url, "run", count=1) as processes:
        few, many = (_renew(url, processes, count) for count in (max(size.due // 10, 10), size.due))
    what = f"peak memory after {few.done + many.done:,} of {size.subscriptions:,}"
    against = f"after {few.done:,}"
    return [
        Figure(PART, what, many.peak_mb, "MB", few.peak_mb, against, 1.15, lower=True, bound=MEMORY_BOUND)
    ]


def _renewing(url: str, size: Size) -> list[Figure]:
    took = []
    for count in WORKERS:
        with workers(url, "run", count=count) as processes:
            _renew(url, processes, WARM)
            took.append(_renew(url, processes, size.due))
    return _compared("renewals", took, RUN_BOUND)


def _renew(url: str, processes: Sequence[subprocess.Popen[str]], count: int) -> TookCpu:
    make_due(url, count)
    return let_work(url, processes, count)


def _settling(url: str, size: Size) -> list[Figure]:
    took = []
    for count in WORKERS:
        with workers(url, "settle", count=count) as processes:
            let_work(url, processes, webhooks_arrive(url, f"warm_{count}_", WARM))
            took.append(let_work(url, processes, webhooks_arrive(url, f"{count}_", size.due)))
    return _compared("webhooks settled", took, SETTLE_BOUND)


def _compared(what: str, took: Sequence[TookCpu], bound: str) -> list[Figure]:
    one, figures = took[0], []
    for count, mine in zip(WORKERS, took, strict=True):
        workers = f"{what} with {count} worker{'s' if count > 1 else ''}"
        first = count == 1
        figures += [
            Figure(PART, workers, mine.rate, "a second", one.rate, "one", bound=bound if first else ""),
            Figure(PART, f"{workers}, CPU", mine.cost, "ms each", one.cost, "one", 1.5, lower=True),
        ]
    return figures
