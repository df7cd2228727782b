"""Benchmark of growth: what an answer costs among a thousand readers, and among a million.

Each size has a database and a web process of its own. Four fifths of the readers subscribe; the others have read three metered
articles this month."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import click
import psycopg
from psycopg.types.json import Jsonb

from tests.bench.figures import Figure
from tests.bench.load_client import LoadClient
from tests.bench.publisher import Publisher, publisher
from tests.bench.requests import COUNTED, SUBSCRIBED, Ask, access_line, gate_answer, gate_line, signed_in
from tests.bench.rounds import Case, Measured, in_turn
from tests.bench.web_process import Process, serving

PART = "access"
FEW, MANY, MANY_QUICK = 1_000, 1_000_000, 20_000
WARM_SECONDS = 60.0
"""For bringing readers on the meter into memory; those who got there are measured."""
READ = ("metered-0", "metered-1", "metered-2")
BAR, AIM = 1.10, 1.05
KINDS = ("a subscriber's check", "the gate's empty answer", "metered, counted before")


def growth(quick: bool) -> list[Figure]:
    """The CPU of an answer by kind, and the process's memory."""
    many = MANY_QUICK if quick else MANY
    rounds, seconds = (1, 0.5) if quick else (5, 3.0)
    click.echo(f" growth from {FEW:,} to {many:,} readers", err=True)
    with ExitStack() as ends:
        small, large = (Crowd.enter(ends, size, 2.0 if quick else WARM_SECONDS) for size in (FEW, many))
        cases = {
            f"{kind} among {crowd.size:,}": crowd.case(kind, seconds)
            for kind in KINDS
            for crowd in (small, large)
        }
        found = in_turn(cases, rounds)
        weighs = large.process.megabytes - small.process.megabytes
    size = Figure(PART, f"{many:,} readers with their sessions, the process's size", weighs, "MB more")
    return [*(_grown(kind, small, large, found) for kind in KINDS), size]


def _grown(kind: str, small: "Crowd", large: "Crowd", found: Mapping[str, Measured]) -> Figure:
    """What an answer costs in the large crowd, beside the small one."""
    ours, few = (found[f"{kind} among {crowd.size:,}"] for crowd in (large, small))
    on_meter = f", {large.on_meter:,} of them on the meter in memory" if kind == KINDS[-1] else ""
    return Figure(
        PART,
        f"{kind} among {large.size:,} readers{on_meter}",
        1e6 / ours.a_cpu_second,
        "µs of CPU",
        1e6 / few.a_cpu_second,
        f"among {small.size:,}",
        BAR,
        lower=True,
        aim=AIM,
        machine=ours.words,
    )


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many readers, and the process that has them in memory. `on_meter`: how many of those with a meter."""

    size: int
    house: Publisher
    process: Process
    on_meter: int

    @classmethod
    def enter(cls, ends: ExitStack, size: int, warm_seconds: float) -> "Crowd":
        """Make the database, start the process and bring its readers into memory."""
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="masthead-bench-"))
        registered = size // 5
        house = ends.enter_context(publisher(Path(folder), size - registered, registered))
        _count_on_meters(house)
        process = ends.enter_context(serving("gate", house.environ, len(house.subscribers)))
        each = (_again(number, 0) for number in house.registered)
        warmed = LoadClient(process.url).at_full(each, warm_seconds).count
        return cls(size, house, process, warmed)

    def case(self, kind: str, seconds: float) -> Case:
        """A round of this kind at full load."""
        asks = self._asks(kind)
        return Case(lambda: LoadClient(self.process.url).at_full(asks, seconds), (self.process.pid,))

    def _asks(self, kind: str) -> Iterator[Ask]:
        random, reason = Random(5), gate_answer("subscription")
        first, readers = self.house.registered.start, len(self.house.subscribers)
        while True:
            if kind == KINDS[-1]:
                yield _again(first + random.randrange(self.on_meter), random.randrange(len(READ)))
                continue
            browser, article = signed_in(random.randrange(readers)), f"article-{random.randrange(100)}"
            if kind == KINDS[0]:
                yield Ask(access_line(article), browser, SUBSCRIBED)
            else:
                yield Ask(gate_line(article), browser, reason, b"204")


def _again(number: int, which: int) -> Ask:
    return Ask(access_line(READ[which]), signed_in(number), COUNTED)


def _count_on_meters(house: Publisher) -> None:
    """Let each registered reader have read the same articles this month."""
    at = datetime.now(UTC)
    given = {
        "month": house.site.today(at).replace(day=1),
        "readings": Jsonb(dict.fromkeys(READ, at.isoformat())),
        "first": house.registered.start,
        "last": house.registered.stop - 1,
    }
    with psycopg.connect(house.environ["BILLING_DATABASE_URL"]) as connection:
        connection.execute(
            "INSERT INTO meter_month (visitor, month, readings, carried)"
            " SELECT 'rdr_' || lpad(n::text, 26, '0'), %(month)s, %(readings)s, '{}'"
            " FROM generate_series(%(first)s::int, %(last)s) n",
            given,
        )
    with psycopg.connect(house.environ["BILLING_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE meter_month")
