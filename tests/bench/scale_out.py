"""Benchmark of scaling out: the CPU of an answer and of a charge with 1, 2 and 4 web processes or workers on one PostgreSQL.

The numbers of processes have rounds in turn. Each number of web processes has a PostgreSQL of its own, so that those whose turn it
isn't cost nothing. Every process is kept busy, and programs that only compute take the place of those that are missing from four: the
machine is as busy, and its caches as full, in each round. PostgreSQL's CPU counts. On a machine with few cores CPU says more than the
time. The acquirer is the sandbox."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
    Answers,
    Check,
    LoadClient,
    as_expected,
)
from tests.bench.publisher import publisher
from tests.bench.requests import Ask
from tests.bench.rounds import Case, in_turn
from tests.bench.web_process import serving
from tests.bench.workers import let_work, workers
from tests.support.sandbox import Sandbox

PART = "scale_out"
COUNTS = (1, 2, 4)
BAR = 1.10
UNIT = "µs of CPU"
COMPUTES = "rows = bytearray(1 << 24)\nwhile True:\n    sum(rows[::64])"
"""A program that keeps a core and its caches busy."""
WARM_CHARGES = 32
"""Charges before the measured ones, in which each process writes and plans its statements."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `seconds`: of a round in which web processes are asked. `charges`: of all workers in a round."""

    subscribers: int
    subscriptions: int
    answer_rounds: int
    seconds: float
    charge_rounds: int
    charges: int


FULL = Size(30_000, 60_000, answer_rounds=15, seconds=2.0, charge_rounds=5, charges=1_800)
QUICK = Size(300, 3_000, answer_rounds=1, seconds=0.3, charge_rounds=1, charges=60)


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of CPU for one: of our processes, and of PostgreSQL."""

    ours: float
    server: float

    @property
    def together(self) -> float:
        """Both."""
        return self.ours + self.server


def measure(quick: bool) -> list[Figure]:
    """Answers of web processes, then charges of workers."""
    size = QUICK if quick else FULL
    return [*_answers(size), *_charges(size)]


def _answers(size: Size) -> Iterator[Figure]:
    """The cost of each kind of answer with each number of web processes."""
    with ExitStack() as ends:
        groups = {count: ends.enter_context(_asked(size, count)) for count in COUNTS}
        kinds = list(groups[1])
        # the numbers of processes stand side by side, so that a machine that slows down slows all three
        cases = {_name(kind, count): groups[count][kind] for kind in kinds for count in COUNTS}
        for case in cases.values():  # fills memory, and compiles statements and templates
            case.work()
        found = in_turn(cases, size.answer_rounds)
    for kind in kinds:
        alone = 1e6 / found[_name(kind, 1)].a_cpu_second
        for count in COUNTS:
            name = _name(kind, count)
            cost, machine = 1e6 / found[name].a_cpu_second, found[name].words
            yield Figure(PART, name, cost, UNIT, alone, "one", BAR, lower=True, machine=machine)


def _name(kind: str, count: int) -> str:
    return f"{kind}, web processes: {count}"


@contextmanager
def _asked(size: Size, count: int) -> Iterator[dict[str, Case]]:
    """So many web processes on a PostgreSQL of their own, with a case for each kind of request."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="masthead-bench-")))
        house = ends.enter_context(publisher(folder, size.subscribers, durable=True))
        processes = [
            ends.enter_context(serving("gate", house.environ, size.subscribers)) for _ in range(count)
        ]
        cases = AccessCases(house)
        first, *others = (process.url for process in processes)
        charged = (house.database_pid, *(process.pid for process in processes))

        def case(asks: Iterator[Ask], connections: int, check: Check = as_expected) -> Case:
            client = LoadClient(first, check, connections * count, others)

            def work() -> Answers:
                with _others_compute(max(COUNTS) - count):
                    return client.at_full(asks, size.seconds)

            return Case(work, charged)

        yield {
            "a subscriber's check": case(cases.subscriber(), CONNECTIONS),
            "a metered first reading": case(cases.first_readings(), MANY_CONNECTIONS),
            "the account page": case(cases.accounts(), PAGE_CONNECTIONS, is_ok),
        }


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


def _charges(size: Size) -> Iterator[Figure]:
    """The cost of a renewal charged at the sandbox, with each number of workers; PostgreSQL's part stands apart too."""
    rounds: dict[int, list[Cost]] = {count: [] for count in COUNTS}
    with a_database() as url, Sandbox() as sandbox:
        grow(url, size.subscriptions)
        live_through(url, 1)
        for number in range(size.charge_rounds):
            for count in COUNTS:
                cost = _charged(url, sandbox, count, size.charges)
                rounds[count].append(cost)
                click.echo(f"  round {number + 1}: a renewal, {count}: {_words(cost)}", err=True)
    found = {count: _median(costs) for count, costs in rounds.items()}
    for count, cost in found.items():
        name, alone = f"a renewal, workers: {count}", found[1]
        yield Figure(PART, name, cost.together, UNIT, alone.together, "one", BAR, lower=True)
        yield Figure(PART, f"{name}, ours alone", cost.ours, UNIT, alone.ours, "one")
        yield Figure(PART, f"{name}, PostgreSQL alone", cost.server, UNIT, alone.server, "one")


def _charged(url: str, sandbox: Sandbox, count: int, charges: int) -> Cost:
    """Let so many workers renew together, after a few renewals in which they write and plan their statements."""
    with workers(url, "charge", sandbox.url, count=count) as processes:
        for due in (WARM_CHARGES * count, charges):
            make_due(url, due)
            _give_cards(url, sandbox)
            with _others_compute(max(COUNTS) - count):
                took = let_work(url, processes, due)
    return Cost(took.cpu / took.done * 1e6, took.server_cpu / took.done * 1e6)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(median(one.ours for one in costs), median(one.server for one in costs))


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
