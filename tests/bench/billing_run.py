"""Benchmark of a billing run among a million subscriptions, beside a hand-written program and the ORM row by row."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.crowd import a_database, grow
from tests.bench.figures import Figure
from tests.bench.renew import SLOW_CALLS, SLOW_SECONDS

PART = "billing run"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Size:
    """The number of subscriptions, and how many each program renews."""

    subscriptions: int
    warm: int
    due: int
    by_row: int
    slow: int
    rounds: int


FULL = Size(1_000_000, 2_000, 20_000, 500, 3_200, 2)
QUICK = Size(3_000, 100, 500, 40, 320, 1)


@dataclass(frozen=True, slots=True)
class Took:
    """A process's result for one count."""

    done: int
    seconds: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Renewals a second."""
        return self.done / self.seconds


def measure(quick: bool) -> list[Figure]:
    """Run all programs in turn on one database."""
    size = QUICK if quick else FULL
    with a_database() as url:
        grow(url, size.subscriptions)
        return run_figures(url, size)


def run_figures(url: str, size: Size) -> list[Figure]:
    """Run the programs in turn, each in its own process; then with a slow gateway."""
    rates: dict[str, list[float]] = {}
    for _ in range(size.rounds):
        for name, counts in (
            ("hand", [size.due // 2]),
            ("ours", [size.warm, size.due]),
            ("hand-one", [size.by_row]),
            ("orm", [size.by_row]),
        ):
            took = _renew(url, name, counts)
            rates.setdefault(name, []).append(took[-1].rate)
            if name == "ours":
                first, last = took[0].peak_mb, took[-1].peak_mb
    [slow] = _renew(url, "slow", [size.slow])
    ours, hand, one, orm = (median(rates[name]) for name in ("ours", "hand", "hand-one", "orm"))
    return [
        Figure(
            PART,
            "instant gateway",
            ours,
            "renewals/s",
            hand,
            "psycopg by hand, 256 at a time",
            0.3,
            bound=RUN_BOUND,
        ),
        Figure(PART, "instant gateway", ours, "renewals/s", orm, "ORM, row by row", 10),
        Figure(PART, "instant gateway", ours, "renewals/s", one, "psycopg by hand, one at a time"),
        Figure(
            PART,
            f"gateway of {SLOW_SECONDS * 1000:.0f} ms",
            slow.rate,
            "renewals/s",
            SLOW_CALLS / SLOW_SECONDS,
            f"{SLOW_CALLS} calls at once",
            0.9,
            bound=SLOW_BOUND,
        ),
        Figure(
            PART,
            f"peak memory after {size.warm + size.due:,}",
            last,
            "MB",
            first,
            f"after {size.warm:,}",
            1.15,
            lower=True,
            bound="a batch's rows; nothing is kept of a batch that is settled",
        ),
    ]


RUN_BOUND = (
    "one core: Python writes and reads the rows of a batch (two thirds of the time), PostgreSQL keeps them with their"
    " indexes and foreign keys (a third). More workers take more cores."
)
SLOW_BOUND = "the gateway: all calls that are allowed at once are under way, but for the beginning and the end of the run"


def _renew(url: str, name: str, counts: list[int]) -> list[Took]:
    command = [sys.executable, "-m", "tests.bench.renew", url, name, *map(str, counts)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    took = [Took(**json.loads(line)) for line in said.splitlines()]
    if [one.done for one in took] != counts:
        raise AssertionError(f"{name} was to renew {counts}, and did {[one.done for one in took]}")
    return took
