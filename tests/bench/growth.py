"""Benchmark of growth: what an answer costs among a thousand readers, and among a million.

Each size has a database and a web process of its own. Four fifths of the readers subscribe; the others have read three metered
articles this month. Five thousand more in both sizes have read none: they come in the paper's hour. The offer, the address page and the
wall read nothing of readers, so they aren't here."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import click
import psycopg
from psycopg.types.json import Jsonb

from tests.bench.access_cases import AccessCases
from tests.bench.beside_bare import is_ok
from tests.bench.figures import Figure
from tests.bench.load_client import MANY_CONNECTIONS, PAGE_CONNECTIONS, LoadClient
from tests.bench.paper_hour import HourVisitors, PaperHour
from tests.bench.publisher import Publisher, publisher
from tests.bench.requests import (
    COUNTED,
    Ask,
    access_line,
    signed_in,
)
from tests.bench.rounds import Case, Measured, in_turn
from tests.bench.web_process import Process, serving

PART = "access"
FEW, MANY, MANY_QUICK = 1_000, 1_000_000, 20_000
WARM_SECONDS = 60.0
"""For bringing readers on the meter into memory; those who got there are measured."""
READ = ("metered-0", "metered-1", "metered-2")
BAR, AIM = 1.10, 1.05
COUNTED_BEFORE = "metered, counted before"
COMING, STRANGERS, GIFTS = 5_000, 50_000, 25
"""Of the paper's hour: registered readers, strangers, and those who have opened a gift."""


def growth(quick: bool) -> list[Figure]:
    """The CPU of an answer by kind, and the process's memory."""
    many = MANY_QUICK if quick else MANY
    rounds, seconds = (1, 0.5) if quick else (15, 1.0)
    click.echo(f" growth from {FEW:,} to {many:,} readers", err=True)
    with ExitStack() as ends:
        small, large = (Crowd.enter(ends, size, 2.0 if quick else WARM_SECONDS) for size in (FEW, many))
        few, more = small.kinds(), large.kinds()
        cases = {
            f"{name} among {crowd.size:,}": kind.case(seconds)
            for name in few
            for crowd, kind in ((small, few[name]), (large, more[name]))
        }
        for case in cases.values():
            case.work()  # the first answers of a kind compile statements and templates, and fill memory
        found = in_turn(cases, rounds)
        weighs = large.process.megabytes - small.process.megabytes
    size = Figure(PART, f"{many:,} readers with their sessions, the process's size", weighs, "MB more")
    grown = (
        _grown(name, kind, large, *(found[f"{name} among {crowd.size:,}"] for crowd in (small, large)))
        for name, kind in more.items()
    )
    return [*grown, size]


def _grown(name: str, kind: "Kind", large: "Crowd", few: Measured, many: Measured) -> Figure:
    """What an answer costs in the large crowd, beside the small one."""
    on_meter = f", {large.on_meter:,} of them on the meter in memory" if name == COUNTED_BEFORE else ""
    return Figure(
        PART,
        f"{name} among {large.size:,} readers{on_meter}",
        1e6 / many.a_cpu_second,
        "µs of CPU" + (" with PostgreSQL" if len(kind.charged) > 1 else ""),
        1e6 / few.a_cpu_second,
        f"among {FEW:,}",
        BAR,
        lower=True,
        aim=AIM,
        machine=many.words,
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests of one kind. `charged`: the processes whose CPU they cost."""

    asks: Iterator[Ask]
    client: LoadClient
    charged: tuple[int, ...]

    def case(self, seconds: float) -> Case:
        """A round at full load."""
        return Case(lambda: self.client.at_full(self.asks, seconds), self.charged)


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
        house = ends.enter_context(publisher(Path(folder), size - registered, registered + COMING))
        _count_on_meters(house)
        process = ends.enter_context(serving("gate", house.environ, len(house.subscribers)))
        each = (_again(number, 0) for number in house.registered[:-COMING])
        warmed = LoadClient(process.url).at_full(each, warm_seconds).count
        return cls(size, house, process, warmed)

    def kinds(self) -> dict[str, Kind]:
        """What is asked, by its name."""
        client, gate = LoadClient(self.process.url), (self.process.pid,)
        pages = LoadClient(self.process.url, is_ok, PAGE_CONNECTIONS)
        writing = LoadClient(self.process.url, connections=MANY_CONNECTIONS)
        with_database = (*gate, self.house.database_pid)
        cases = AccessCases(self.house)
        coming = self.house.registered[-COMING:]
        opened = cases.gifts(self.process.url, client, GIFTS)
        hour = PaperHour(self.house.articles, HourVisitors(self.house.subscribers, coming, STRANGERS, opened))
        return {
            "a subscriber's check": Kind(cases.subscriber(), client, gate),
            "the gate's empty answer": Kind(cases.gate(), client, gate),
            COUNTED_BEFORE: Kind(self._counted_before(), client, gate),
            "a metered first reading": Kind(cases.first_readings(), writing, with_database),
            "a paper's hour": Kind(iter(hour), writing, with_database),
            "the account page": Kind(cases.accounts(), pages, gate),
        }

    def _counted_before(self) -> Iterator[Ask]:
        random, first = Random(5), self.house.registered.start
        while True:
            yield _again(first + random.randrange(self.on_meter), random.randrange(len(READ)))


def _again(number: int, which: int) -> Ask:
    return Ask(access_line(READ[which]), signed_in(number), COUNTED)


def _count_on_meters(house: Publisher) -> None:
    """Let each registered reader but those of the hour have read the same articles this month."""
    at = datetime.now(UTC)
    given = {
        "month": house.site.today(at).replace(day=1),
        "readings": Jsonb(dict.fromkeys(READ, at.isoformat())),
        "first": house.registered.start,
        "last": house.registered.stop - 1 - COMING,
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
