"""Hundreds of visitors at once at their last free article, on four web processes: never one article more than the meter gives, and
never a visitor refused an article that is counted. The same while processes are killed (PW-4)."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.json import Jsonb

from billing.access import visitors
from billing.access.articles import register
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.access.visitors import FirstReading, Visitor
from billing.platform.actors import Command
from billing.platform.clock import SystemClock
from billing.platform.db import Database
from billing.platform.site import Site
from billing.rules.access import AccessLevel
from tests.access_cache.kept_connections import KeptConnections, kept_connections
from tests.access_cache.serving import TOKENS, WebProcess, web_process
from tests.bench.requests import Ask, Browser, access_line
from tests.support.databases import Databases
from tests.support.proof_size import sized

PROCESSES = 4
VISITORS = sized(at_length=500, usual=120)
ROUNDS = sized(at_length=200, usual=4)
KILLS = sized(at_length=40, usual=2)
LIMIT = 3
ARTICLES = tuple(f"story-{number}" for number in range(6))
READ, WANTED = ARTICLES[: LIMIT - 1], ARTICLES[LIMIT - 1 :]
SITE = Site(ZoneInfo("Africa/Johannesburg"), "https://pay.example", TOKENS)


@dataclass(frozen=True, slots=True)
class ArticleRequest:
    """A visitor's browser asks a process for an article."""

    visitor: str
    article: str
    process: int

    def as_ask(self, month: date) -> Ask:
        """The request on the wire. The visitor's token holds the first article of the month."""
        visitor = Visitor(self.visitor, FirstReading(month, READ[0]))
        token = visitors.token(SITE, visitor).encode()
        browser = Browser(0, b"__Host-masthead-visitor=" + token, b"masthead-visitor=" + token)
        return Ask(access_line(self.article), browser, part=b"")


Opened = dict[ArticleRequest, bool | None]
"""Whether the requests opened their articles. None: no answer."""


@dataclass
class Publisher:
    """A database with metered articles, and four web processes on it."""

    url: str
    ends: ExitStack
    connections: KeptConnections
    running: list[WebProcess] = field(default_factory=list)

    def start(self) -> WebProcess:
        return self.ends.enter_context(web_process(self.url))

    def restart(self, number: int) -> None:
        self.connections.close(self.running[number].port)
        self.running[number] = self.start()

    def month(self) -> date:
        return SITE.today(SystemClock().now()).replace(day=1)

    def at_the_last(self, round_number: int) -> list[str]:
        """New visitors who have one free article left."""
        made = [f"vis_{round_number}_{number}" for number in range(VISITORS)]
        readings = Jsonb(dict.fromkeys(READ, SystemClock().now().isoformat()))
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO meter_month (visitor, month, readings, carried) SELECT unnest(%s::text[]), %s, %s, '{}'",
                (made, self.month(), readings),
            )
        return made

    def counted(self, everyone: list[str]) -> dict[str, set[str]]:
        """What is counted, by the visitor."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT visitor, readings FROM meter_month WHERE visitor = ANY(%s)", (everyone,)
            )
            return {visitor: set(readings) for visitor, readings in rows}

    def opened(self, requests: list[ArticleRequest], kill: int | None = None) -> Opened:
        """Send all requests at once, and read the answers. `kill`: a process to be killed after an eighth of them."""
        month = self.month()
        asks = [(self.running[request.process].port, request.as_ask(month)) for request in requests]
        opened: Opened = {}
        for number, answer in self.connections.send_all(asks):
            opened[requests[number]] = None if answer is None else is_allowed(answer)
            if kill is not None and len(opened) == len(requests) // 8:
                self.running[kill].kill()
        return opened


@pytest.fixture(scope="module")
def publisher(databases: Databases) -> Iterator[Publisher]:
    with databases.fresh() as url, ExitStack() as ends:
        database, at = Database(url), SystemClock().now()
        with database.begin(SITE, at, Command("test")) as ctx:
            for name in ARTICLES:
                row = Article(id=name, title="t", url="u", section="Town", published_at=at)
                register(ctx, row, AccessTerms(AccessLevel.METERED))
        database.close()
        found = Publisher(url, ends, ends.enter_context(kept_connections()))
        found.running = [found.start() for _ in range(PROCESSES)]
        yield found


def is_allowed(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer
    return bool(json.loads(body)["allowed"])


def play(publisher: Publisher, number: int, kill: int | None = None) -> int:
    """Play one round, and check it: each visitor asks two processes for two articles. Returns how many answers a kill lost.

    Numbers of rounds differ. What a killed process left unanswered is asked again once it is restarted."""
    everyone = publisher.at_the_last(number)
    requests = [
        ArticleRequest(visitor, WANTED[(which + second) % len(WANTED)], (which + second) % PROCESSES)
        for which, visitor in enumerate(everyone)
        for second in range(2)
    ]
    opened = publisher.opened(requests, kill)
    check(opened, publisher.counted(everyone))
    lost = [request for request, is_open in opened.items() if is_open is None]
    if kill is not None:
        assert {request.process for request in lost} <= {kill}
        publisher.restart(kill)
        opened |= publisher.opened(lost)
    counted = publisher.counted(everyone)
    check(opened, counted)
    assert None not in opened.values()
    assert {len(articles) for articles in counted.values()} == {LIMIT}
    assert refused_though_counted(publisher, counted) == []
    return len(lost)


def check(opened: Opened, counted: dict[str, set[str]]) -> None:
    """Compare the answers that came with what is counted."""
    assert max(map(len, counted.values())) <= LIMIT
    for request, is_open in opened.items():
        articles = counted[request.visitor]
        if is_open:
            assert request.article in articles, f"{request} was opened and isn't counted"
        elif is_open is False:
            assert request.article not in articles, f"{request} was refused and is counted"
            assert len(articles) == LIMIT, f"{request} was refused the last free article"


def refused_though_counted(publisher: Publisher, counted: dict[str, set[str]]) -> list[ArticleRequest]:
    """Counted articles that a process refuses. Each of a visitor's is asked of another process, one after another."""
    refused = []
    for turn in range(LIMIT):
        again = [
            ArticleRequest(visitor, sorted(articles)[turn], (which + turn) % PROCESSES)
            for which, (visitor, articles) in enumerate(counted.items())
        ]
        refused += [request for request, is_open in publisher.opened(again).items() if not is_open]
    return refused


@pytest.mark.prove
@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_four_processes_give_each_visitor_the_last_article_once(publisher: Publisher) -> None:
    for number in range(ROUNDS):
        play(publisher, number)


@pytest.mark.prove
@pytest.mark.timeout(120 + 40 * KILLS)
def test_a_killed_process_loses_no_count_that_was_answered(publisher: Publisher) -> None:
    lost = sum(play(publisher, ROUNDS + number, kill=number % PROCESSES) for number in range(KILLS))
    assert lost, "the kills came too late to show anything"
