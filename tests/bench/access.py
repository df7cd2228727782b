"""Benchmark of the access check, beside a bare ASGI app that answers 200 bytes to the same requests.

On a shared machine CPU time per request is the steady measure; requests a second are shown beside it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tests.bench.access_cases import AccessCases
from tests.bench.access_memory import memory, tokens
from tests.bench.beside_bare import BARE, Compared, Load, compare, figures, is_bare, is_ok
from tests.bench.figures import Figure
from tests.bench.freshness import freshness
from tests.bench.growth import growth
from tests.bench.load_client import MANY_CONNECTIONS, LoadClient
from tests.bench.paper_hour import HourVisitors, PaperHour
from tests.bench.publisher import Publisher, publisher
from tests.bench.requests import Ask, Browser
from tests.bench.web_process import Process, serving

PART = "access"
HOUR = "a paper's hour"
CHECK = "a subscriber's check"
SINGLY = "one article, asked by a program"
BOUNDS = {
    CHECK: "reading the request takes four fifths; ours are the session's HMAC and three look-ups",
    "the gate's empty answer": "as the check, without a body to join",
    "a metered first reading": "the commit in PostgreSQL",
    "a list of 20": "the cost of one request, shared by its articles: reading and writing JSON",
    "a reader token": "the look-up of the session, and an EdDSA signature",
}
"""What bounds a figure, by its case; `billing/docs/figures.md` says more."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `visitors`: of the hour, with and without an account. `prepared`: who must read before the rounds."""

    articles: int
    subscribers: int
    registered: int
    visitors: int
    prepared: int
    rounds: int
    seconds: float


FULL = Size(5_000, 30_000, 20_000, 200_000, 1_000, 15, 1.0)
QUICK = Size(100, 300, 2_000, 10_000, 50, 1, 0.5)


def measure(quick: bool) -> list[Figure]:
    """All figures of the access path."""
    size = QUICK if quick else FULL
    found = [memory(100_000 if quick else 1_000_000), *tokens()]
    with (
        tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder,
        publisher(Path(folder), size.subscribers, size.registered, size.articles, durable=True) as house,
    ):
        with ExitStack() as ends:
            bare, gate, usual = (
                ends.enter_context(serving(kind, house.environ)) for kind in ("bare", "gate", "usual")
            )
            found += Access(house, size, bare, gate).measure(usual)
        found += freshness(house, 10 if quick else 150)
    found += growth(quick)
    return found


class Access:
    """The measured processes, and the groups of cases that are measured in turn."""

    def __init__(self, house: Publisher, size: Size, bare: Process, gate: Process) -> None:
        self.house = house
        self.size = size
        self.bare = bare
        self.gate = gate
        self.cases = AccessCases(house)
        self.client = LoadClient(gate.url)

    def measure(self, usual: Process) -> list[Figure]:
        """Bring all readers into memory, then measure group after group."""
        self.client.at_full(self.cases.everyone())
        cases = self.cases
        opened = cases.gifts(self.gate.url, self.client, self.size.prepared // 10)
        checks = {
            CHECK: self._load(cases.subscriber(), 0.65, 0.80),
            "the gate's empty answer": self._load(cases.gate(), 0.70, 0.85),
            "a stranger at a locked article": self._load(cases.locked(), 0.65, 0.80),
        }
        dependency = {
            "the usual dependency, a session a request": Load(
                usual, cases.subscriber(), check=is_ok, is_rival=True
            )
        }
        lists = {f"a list of {size}": self._load(cases.lists(size)) for size in (20, 100)}
        return [
            *self._group(checks | dependency),
            *self._group(self._metered()),
            *self._lists({CHECK: checks[CHECK], SINGLY: self._load(cases.singly()), **lists}),
            *self._group(self._others(opened)),
            *self._hour(opened),
        ]

    def _metered(self) -> dict[str, Load]:
        cases = self.cases
        return {
            "metered, counted before or used up": self._load(
                cases.counted_before(self.client, self.size.prepared), 0.50, 0.70
            ),
            "a metered first reading": self._load(cases.first_readings(), 0.20, 0.30, counts_database=True),
            "a newcomer's first reading": self._load(cases.newcomers(), counts_database=True),
        }

    def _others(self, opened: Sequence[tuple[Browser, str]]) -> dict[str, Load]:
        return {
            "a gift opened before": self._load(self.cases.opened_gifts(opened)),
            "a reader token": self._load(self.cases.tokens()),
        }

    def _hour(self, opened: Sequence[tuple[Browser, str]]) -> list[Figure]:
        """Run the hour for a while before it is measured, so that some have read something."""

        def hour() -> Iterator[Ask]:
            house = self.house
            strangers = self.size.visitors - len(house.subscribers) - len(house.registered)
            # the last tenth of the registered is in the lists
            registered = house.registered[: -len(house.registered) // 10]
            who = HourVisitors(house.subscribers, registered, strangers, opened)
            return iter(PaperHour(house.articles, who))

        asks = hour()
        self.client.at_full(asks, 6 * self.size.seconds)
        load = self._load(asks, 0.33, 0.50, counts_database=True)
        return self._group({HOUR: load}, bare=hour())

    def _load(
        self,
        asks: Iterator[Ask],
        bar: float | None = None,
        aim: float | None = None,
        *,
        counts_database: bool = False,
    ) -> Load:
        database = self.house.database_pid if counts_database else None
        return Load(self.gate, asks, bar, aim, database)

    def _group(self, loads: Mapping[str, Load], bare: Iterator[Ask] | None = None) -> list[Figure]:
        together = self._with_bare(loads, bare)
        if any(load.database for load in loads.values()):
            together = {name: replace(load, connections=MANY_CONNECTIONS) for name, load in together.items()}
        return figures(PART, together, self._compare(together), BOUNDS)

    def _lists(self, loads: Mapping[str, Load]) -> list[Figure]:
        """Lists beside a bare server; and an article in a list beside one alone: what the same program asks about one, for which
        there is a bar, and a subscriber's check, which is the cheapest of all."""
        together = self._with_bare(loads)
        found = self._compare(together)
        alone = {"a subscriber's check alone": CHECK, "asked one at a time": SINGLY}
        each = [
            Figure(
                PART,
                f"an article in {name}, levels mixed",
                found[name].full.a_cpu_second * size,
                "articles/CPU s",
                found[load].full.a_cpu_second,
                against,
                20 if size == 100 and load == SINGLY else None,
                aim=20 if load == SINGLY else None,
            )
            for name, size in (("a list of 20", 20), ("a list of 100", 100))
            for against, load in alone.items()
        ]
        rest = {name: load for name, load in together.items() if name != CHECK}
        return [*figures(PART, rest, found, BOUNDS), *each]

    def _with_bare(self, loads: Mapping[str, Load], asks: Iterator[Ask] | None = None) -> dict[str, Load]:
        bare = Load(self.bare, asks or self.cases.subscriber(), check=is_bare)
        return {BARE: bare, **loads}

    def _compare(self, loads: Mapping[str, Load]) -> dict[str, Compared]:
        click.echo(f" {', '.join(loads)}", err=True)
        return compare(loads, self.size.rounds, self.size.seconds)
