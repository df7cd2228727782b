"""Benchmark of scaling out: the CPU of an answer and of a charge with 1, 2 and 4 web processes or workers on one PostgreSQL.

Each number of processes has rounds in turn with the others, in processes of its own. Every process is kept busy, and programs that only
compute take the place of those that are missing from four: the machine is as busy, and its caches as full, in each round. The CPU of
our processes and that of PostgreSQL stand apart. On a machine with few cores they say more than the time. The acquirer is the sandbox."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

import click
import psycopg

from tests.bench.access_cases import AccessCases
from tests.bench.beside_bare import is_ok
from tests.bench.crowd import AT, a_database, grow, live_through, make_due
from tests.bench.figures import Figure
from tests.bench.load_client import (
    CONNECTIONS,
    MANY_CONNECTIONS,
    PAGE_CONNECTIONS,
    Check,
    LoadClient,
    as_expected,
)
from tests.bench.machine import Snapshot
from tests.bench.publisher import Publisher, publisher
from tests.bench.requests import Ask
from tests.bench.web_process import serving
from tests.bench.workers import TookCpu, let_work, workers
from tests.support.sandbox import Sandbox

PART = "scale_out"
COUNTS = (1, 2, 4)
BAR = 1.10
COMPUTES = "rows = bytearray(1 << 24)\nwhile True:\n    sum(rows[::64])"
"""A program that keeps a core and its caches busy."""
WARM_CHARGES = 32
"""Charges before the measured ones, in which each process writes and plans its statements."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `share`: of the answers that each web process gives in a round. `charges`: of all workers in a round."""

    subscribers: int
    subscriptions: int
    share: float
    charges: int
    rounds: int


FULL = Size(30_000, 60_000, 1.0, 1_800, 5)
QUICK = Size(300, 3_000, 0.05, 60, 1)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of CPU for one: of our processes, and of PostgreSQL."""

    ours: float
    server: float

    @property
    def together(self) -> float:
        """Both."""
        return self.ours + self.server


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of one kind. `connections`: to each process. `answers`: of each process in a round."""

    asks: Iterator[Ask]
    connections: int
    answers: int
    check: Check = as_expected


def measure(quick: bool) -> list[Figure]:
    """Answers of web processes, then charges of workers."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder:
        with publisher(Path(folder), size.subscribers, durable=True) as house:
            answers = _answers(house, size)
    charges = _charges(size)
    return [
        *(figure for what, costs in answers.items() for figure in _figures(what, "web processes", costs)),
        *_figures("a renewal", "workers", charges),
    ]


def _figures(what: str, processes: str, costs: Mapping[int, Sequence[Cost]]) -> Iterator[Figure]:
    """The median cost with each number of processes, beside that with one."""
    found = {
        count: Cost(median(one.ours for one in rounds), median(one.server for one in rounds))
        for count, rounds in costs.items()
    }
    alone = found[1]
    for count, cost in found.items():
        name = f"{what}, {processes}: {count}"
        unit, against = "µs of CPU", "one"
        yield Figure(PART, name, cost.together, unit, alone.together, against, BAR, lower=True)
        yield Figure(PART, f"{name}, ours alone", cost.ours, unit, alone.ours, against)
        yield Figure(PART, f"{name}, PostgreSQL alone", cost.server, unit, alone.server, against)


def _answers(house: Publisher, size: Size) -> dict[str, dict[int, list[Cost]]]:
    """The rounds of each kind of request, by the number of web processes."""
    cases = AccessCases(house)
    loads = {
        "a subscriber's check": Load(cases.subscriber(), CONNECTIONS, 20_000),
        "a metered first reading": Load(cases.first_readings(), MANY_CONNECTIONS, 4_000),
        "the account page": Load(cases.accounts(), PAGE_CONNECTIONS, 1_000, is_ok),
    }
    found: dict[str, dict[int, list[Cost]]] = {name: {count: [] for count in COUNTS} for name in loads}
    for number in range(size.rounds):
        for count in COUNTS:
            for name, cost in _round(house, loads, count, size.share).items():
                found[name][count].append(cost)
                click.echo(f"  round {number + 1}: {name}, {count}: {_words(cost)}", err=True)
    return found


def _round(house: Publisher, loads: Mapping[str, Load], count: int, share: float) -> dict[str, Cost]:
    """Start so many web processes and ask them for each kind; the first half of the answers, which fills their memory, doesn't count."""
    found = {}
    with ExitStack() as ends:
        started = [
            ends.enter_context(serving("gate", house.environ, len(house.subscribers))) for _ in range(count)
        ]
        ends.enter_context(_others_compute(max(COUNTS) - count))
        first, *others = (process.url for process in started)
        for name, load in loads.items():
            client = LoadClient(first, load.check, load.connections * count, others)
            most = max(1, int(load.answers * share)) * count
            client.at_full(islice(load.asks, most))
            before = Snapshot.take()
            answers = client.at_full(islice(load.asks, most))
            after = Snapshot.take()
            ours, server = (
                (after.seconds_of(roots) - before.seconds_of(roots)) / answers.count * 1e6
                for roots in ([process.pid for process in started], [house.database_pid])
            )
            found[name] = Cost(ours, server)
    return found


@contextmanager
def _others_compute(count: int) -> Iterator[None]:
    """Keep so many cores busy for the length of the block."""
    others = [subprocess.Popen([sys.executable, "-c", COMPUTES]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _charges(size: Size) -> dict[int, list[Cost]]:
    """The rounds of renewals charged at the sandbox, by the number of workers."""
    found: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    with a_database() as url, Sandbox() as sandbox:
        grow(url, size.subscriptions)
        live_through(url, 1)
        for number in range(size.rounds):
            for count in COUNTS:
                with workers(url, "charge", sandbox.url, count=count) as processes:
                    for charges in (WARM_CHARGES * count, size.charges):
                        make_due(url, charges)
                        _give_cards(url, sandbox)
                        with _others_compute(max(COUNTS) - count):
                            took = let_work(url, processes, charges)
                cost = _cost(took)
                found[count].append(cost)
                click.echo(f"  round {number + 1}: a renewal, {count}: {_words(cost)}", err=True)
    return found


def _cost(took: TookCpu) -> Cost:
    return Cost(took.cpu / took.done * 1e6, took.server_cpu / took.done * 1e6)


def _give_cards(url: str, sandbox: Sandbox) -> None:
    """Let the sandbox know a customer and a card of each subscription that is due."""
    stripe = sandbox.client().v1
    with psycopg.connect(url) as connection:
        due = connection.execute(
            "SELECT payment_method_id FROM subscription WHERE next_action_at <= %s", [AT]
        ).fetchall()
        for (method,) in due:
            customer = stripe.customers.create({"metadata": {"of": method}})
            card = stripe.payment_methods.attach(f"pm_card_visa__{method}", {"customer": customer.id})
            connection.execute(
                "UPDATE payment_method SET customer_ref = %s, gateway_ref = %s WHERE id = %s",
                [customer.id, card.id, method],
            )
    sandbox.exchanges.clear()


def _words(cost: Cost) -> str:
    return f"{cost.ours:,.0f} µs ours, {cost.server:,.0f} PostgreSQL's"
