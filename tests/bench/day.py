"""Benchmark of a day's run with 1, 2 and 4 workers on one database: memory, renewals and webhooks settled, and what waits beside it.

`MASTHEAD_DAY` sets the number of subscriptions and `MASTHEAD_DAY_DUE` how many are due; by default a thirtieth, as the days of a month
share them. The CPU is that of the workers and of PostgreSQL together: on a machine with few cores it says more than the time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import psycopg

from tests.bench.billing_run import Took
from tests.bench.crowd import a_database, grow, live_through, make_due, webhooks_arrive
from tests.bench.day_beside import beside_figures
from tests.bench.figures import Figure

PART = "day"
ROOT = Path(__file__).parents[2]
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


@dataclass(frozen=True, slots=True)
class TookCpu(Took):
    """What one or several processes took for their work, and their CPU seconds."""

    cpu: float

    @property
    def cost(self) -> float:
        """CPU milliseconds for each."""
        return self.cpu / self.done * 1000


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
    with _processes(url, "run", 1) as [process]:
        few, many = (_do(url, [process], count) for count in (max(size.due // 10, 10), size.due))
    what = f"peak memory after {few.done + many.done:,} of {size.subscriptions:,}"
    against = f"after {few.done:,}"
    return [
        Figure(PART, what, many.peak_mb, "MB", few.peak_mb, against, 1.15, lower=True, bound=MEMORY_BOUND)
    ]


def _renewing(url: str, size: Size) -> list[Figure]:
    took = []
    for count in WORKERS:
        with _processes(url, "run", count) as processes:
            _do(url, processes, WARM)
            took.append(_do(url, processes, size.due))
    return _compared("renewals", took, RUN_BOUND)


def _settling(url: str, size: Size) -> list[Figure]:
    took = []
    for count in WORKERS:
        with _processes(url, "settle", count) as processes:
            _do(url, processes, webhooks_arrive(url, f"warm_{count}_", WARM), due=False)
            took.append(_do(url, processes, webhooks_arrive(url, f"{count}_", size.due), due=False))
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


@contextmanager
def _processes(url: str, name: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Workers' processes that are ready to begin."""
    command = [sys.executable, "-m", "tests.bench.day_work", url, name]
    with ExitStack() as ends:
        made = []
        for _ in range(count):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
            ends.callback(process.wait)
            ends.callback(process.kill)
            made.append(process)
        for process in made:
            _line(process)
        yield made


def _do(url: str, processes: Sequence[subprocess.Popen[str]], count: int, *, due: bool = True) -> TookCpu:
    """Let the processes do their work together. Raises AssertionError if it isn't all done, or something twice."""
    if due:
        make_due(url, count)
    used = server_cpu(url)
    for process in processes:
        _stdin(process).write("go\n")
        _stdin(process).flush()
    took = [TookCpu(**json.loads(_line(process))) for process in processes]
    cpu = server_cpu(url) - used + sum(each.cpu for each in took)
    done = sum(each.done for each in took)
    if done != count:
        raise AssertionError(f"{done} of {count} were done")
    return TookCpu(done, max(each.seconds for each in took), max(each.peak_mb for each in took), cpu)


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError("a worker's process ended")
    return line


def server_cpu(url: str) -> float:
    """CPU seconds that the database server has used so far, with its processes that have ended."""
    with psycopg.connect(url) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
    assert server is not None
    own = server.cpu_times()
    alive = 0.0
    for child in server.children():
        try:
            used = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        alive += used.user + used.system
    return float(own.user + own.system + own.children_user + own.children_system + alive)
