"""Benchmark of staff's pages among a million readers with a year of history: search, a reader's page, numbers, lists.

`MASTHEAD_STAFF` sets the number of readers. Each page is asked for over HTTP, one request after the other, and never the same question
twice in a row. CPU is that of the web process, of this client in it, and of PostgreSQL. Beside it a page of the same size with one query."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat
from typing import Any
from urllib.parse import quote

import click
import httpx

from billing.app import build, create_app
from billing.container import Services
from billing.platform.actors import Command
from billing.platform.time_limits import Work
from billing.readers.sessions import Browser
from billing.reports.numbers.sections import TITLES
from billing.staff import members, sessions
from billing.staff.roles import Role
from tests.bench.crowd import AT, a_database
from tests.bench.day_work import FixedClock
from tests.bench.figures import Figure
from tests.bench.history import FAMILY, GIVEN, keep_the_days, live_a_year
from tests.bench.pages import USUAL
from tests.bench.plans import Plans
from tests.bench.usual_page import application
from tests.bench.workers import server_cpu
from tests.support.installation import settings_for
from tests.support.web_server import WebServer

PART = "staff"
MEMBERS = 12
"""Who ask in turn: a member may search and list only so often in ten minutes."""
SEARCH, READER, NUMBERS, LIST = 200.0, 300.0, 2000.0, 300.0
"""The most milliseconds at p95."""
READ_WHOLE = {
    "trials": {"subscription"},
    "origins": {"start_origin"},
    "forecast": {"subscription"},
}
"""The large tables that a section of the numbers may read from end to end: it counts a large part of their rows. No other page may."""
MONTH, YEAR = "from=2027-05-16&to=2027-06-14", "from=2026-06-01&to=2027-05-31"
LISTS = ("readers", "subscriptions", "payments", "refunds", "invoices")


@dataclass(slots=True)
class Page:
    """A page: its addresses, its bar, and what its requests took in milliseconds. `size`: bytes of an answer."""

    name: str
    paths: Iterator[str]
    most: float
    took: list[float] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)
    cpu: float = 0.0
    usual_cpu: float = 0.0
    size: int = 0
    scanned: Sequence[str] = ()
    may_scan: frozenset[str] = frozenset()


def measure(quick: bool) -> list[Figure]:
    """p50, p95 and CPU of each page, and the tables that its statements read from end to end."""
    size = int(os.environ.get("MASTHEAD_STAFF", 600 if quick else 1_000_000))
    rounds, each = (1, 2) if quick else (4, 10)
    with a_database(durable=False) as url, ExitStack() as ends:
        live_a_year(url, size)
        services = replace(build(settings_for(url, clock="system"), work=Work.REQUEST), clock=FixedClock())
        ends.callback(services.database.close)
        keep_the_days(services)
        browsers = ends.enter_context(_browsers(services))
        usual = ends.enter_context(
            _served(application(url.replace("postgresql://", "postgresql+psycopg://")))
        )
        pages = list(_pages(size))
        plans = Plans(services.database, size)
        for page in pages:
            with plans.watching() as seen:
                page.size = len(_next(browsers, page).content)
            page.scanned = seen.scanned()
            _get(usual, f"/page/{page.size}")
        for number in range(rounds):
            for page in pages:
                page.cpu += _ask(url, partial(_next, browsers, page), page.took, each)
                page.usual_cpu += _ask(url, partial(_get, usual, f"/page/{page.size}"), page.usual, each)
                click.echo(f"  round {number + 1}: {page.name}: {_share(page.took, 0.95):,.0f} ms", err=True)
    return [figure for page in pages for figure in figures_of(page, size)]


def figures_of(page: Page, size: int) -> Iterator[Figure]:
    """What was measured of a page. One that reads a large table from end to end that it may not misses its bar, however quick it is."""
    count = len(page.took)
    scanned = f"reads from end to end: {', '.join(page.scanned)}" if page.scanned else ""
    wrongly = sorted(set(page.scanned) - page.may_scan)
    if wrongly:
        scanned += f"; {', '.join(wrongly)} wrongly"
    yield Figure(PART, f"{page.name}, p50", _share(page.took, 0.5), "ms", _share(page.usual, 0.5), USUAL)
    yield Figure(
        PART,
        f"{page.name}, p95 among {size:,}",
        _share(page.took, 0.95),
        "ms",
        page.most,
        "at most",
        0 if wrongly else 1,
        True,
        scanned,
    )
    cpu, usual = page.cpu / count * 1000, page.usual_cpu / count * 1000
    yield Figure(PART, f"{page.name}, CPU", cpu, "ms a request", usual, USUAL)


def _pages(size: int) -> Iterator[Page]:
    """Each page, with addresses that are drawn from a seed."""
    draw = random.Random(18)

    def found(name: str, typed: Callable[[int], str]) -> Page:
        return Page(
            f"search: {name}", _each(lambda: f"/staff/find?q={quote(typed(draw.randint(1, size)))}"), SEARCH
        )

    yield found("an address", lambda n: f"{_given(n)}.{_family(n)}{n}@example.com")
    yield found("a part of few addresses", lambda n: f"{_family(n)}{n}"[:-1])
    yield found("a part of many addresses", _family)
    yield found("a part of all addresses", lambda _: "example")
    yield found("two words", lambda n: f"{_given(n)} {_family(n)}")
    yield found("an amount and a day", lambda n: f"R75.00 2027-0{1 + n % 5}-{1 + n % 28:02}")
    yield found("an amount", lambda _: "R75.00")
    yield found("last four digits", lambda n: f"{n % 10_000:04}")
    yield Page("a reader", _each(lambda: f"/staff/readers/{reader_id(draw.randint(1, size))}"), READER)
    for words, period in (("a month", MONTH), ("a year", YEAR)):
        whole = frozenset[str]().union(*READ_WHOLE.values())
        yield Page(f"numbers of {words}", repeat(f"/staff/numbers?{period}"), NUMBERS, may_scan=whole)
        for section in TITLES:
            path, whole = f"/staff/numbers/{section}?{period}", frozenset(READ_WHOLE.get(section, ()))
            yield Page(f"numbers of {words}, {section}", repeat(path), NUMBERS, may_scan=whole)
    for name in LISTS:
        yield Page(f"list of {name}", repeat(f"/staff/{name}"), LIST)


def _each(path: Callable[[], str]) -> Iterator[str]:
    while True:
        yield path()


def reader_id(n: int) -> str:
    """The id of the reader with this number in the history."""
    return "rdr_" + str(n).translate(str.maketrans("0123456789", "abcdefghjk")).rjust(26, "a")


def _given(n: int) -> str:
    return GIVEN[n % len(GIVEN)]


def _family(n: int) -> str:
    return FAMILY[n // len(GIVEN) % len(FAMILY)]


def _share(took: Sequence[float], share: float) -> float:
    return sorted(took)[min(len(took) - 1, int(share * len(took)))]


def _ask(url: str, get: Callable[[], object], took: list[float], times: int) -> float:
    """Ask so often; the CPU seconds of this process and of PostgreSQL."""
    used = time.process_time() + server_cpu(url)
    for _ in range(times):
        began = time.perf_counter()
        get()
        took.append((time.perf_counter() - began) * 1000)
    return time.process_time() + server_cpu(url) - used


def _next(browsers: Callable[[], httpx.Client], page: Page) -> httpx.Response:
    return _get(browsers(), next(page.paths))


def _get(browser: httpx.Client, path: str) -> httpx.Response:
    answer = browser.get(path)
    if answer.status_code not in (200, 303):
        raise RuntimeError(f"{path}: {answer.status_code}")
    return answer


@contextmanager
def _served(app: Any) -> Iterator[httpx.Client]:
    server = WebServer()
    try:
        server.start(app)
        server.use(app)
        with httpx.Client(
            base_url=server.url, trust_env=False, timeout=120, headers={"accept": "text/html"}
        ) as client:
            yield client
    finally:
        server.close()


@contextmanager
def _browsers(services: Services) -> Iterator[Callable[[], httpx.Client]]:
    """The browser of the next member, each signed in with both factors."""
    secrets = []
    with services.database.begin(services.site, AT, Command("bench")) as ctx:
        for number in range(MEMBERS):
            member = members.add(ctx, f"member-{number}@example.com", Role.ADMIN)
            secrets.append(
                sessions.begin(ctx, member.id, Browser(("bench",), "127.0.0.1", "bench"), complete=True)
            )
    with _served(create_app(services)) as client:
        asked = 0

        def browser() -> httpx.Client:
            nonlocal asked
            asked += 1
            client.headers["cookie"] = f"masthead-staff={secrets[asked % MEMBERS]}"
            return client

        yield browser
