"""Hundreds of visitors at once at their last free article, on four web processes: never one article more than the meter gives, and
never a visitor refused an article that is counted. The same while processes are killed (PW-4)."""

import asyncio
import json
from collections import Counter
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
from tests.access_cache.serving import TOKENS, WebProcess, web_process
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


@dataclass
class Publisher:
    """A database with metered articles, and four web processes on it."""

    url: str
    ends: ExitStack
    running: list[WebProcess] = field(default_factory=list)

    def start(self) -> WebProcess:
        return self.ends.enter_context(web_process(self.url))

    def restart(self, number: int) -> None:
        self.running[number] = self.start()

    def month(self) -> date:
        return SITE.today(SystemClock().now()).replace(day=1)

    def at_the_last(self, round_number: int) -> list[Visitor]:
        """New visitors who have one free article left."""
        first = FirstReading(self.month(), READ[0])
        made = [Visitor(f"vis_{round_number}_{number}", first) for number in range(VISITORS)]
        readings = Jsonb(dict.fromkeys(READ, SystemClock().now().isoformat()))
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO meter_month (visitor, month, readings, carried) VALUES (%s, %s, %s, '{}')",
                [(visitor.id, self.month(), readings) for visitor in made],
            )
        return made

    def counted(self, round_number: int) -> dict[str, set[str]]:
        """What is counted, by the visitor."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT visitor, readings FROM meter_month WHERE visitor LIKE %s",
                (f"vis\\_{round_number}\\_%",),
            )
            return {visitor: set(readings) for visitor, readings in rows}


@pytest.fixture(scope="module")
def publisher(databases: Databases) -> Iterator[Publisher]:
    with databases.fresh() as url, ExitStack() as ends:
        database, at = Database(url), SystemClock().now()
        with database.begin(SITE, at, Command("test")) as ctx:
            for name in ARTICLES:
                row = Article(id=name, title="t", url="u", section="Town", published_at=at)
                register(ctx, row, AccessTerms(AccessLevel.METERED))
        database.close()
        found = Publisher(url, ends)
        found.running = [found.start() for _ in range(PROCESSES)]
        yield found


@dataclass
class Round:
    """Requests of one round, and their answers: (visitor, article) to whether it was opened. None: no answer."""

    publisher: Publisher
    answers: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    first_answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, visitor: Visitor, article: str, process: int) -> bool | None:
        """Ask one process for an article on a connection of its own."""
        port = self.publisher.running[process].port
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                token = visitors.token(SITE, visitor)
                writer.write(
                    f"GET /v1/access/{article} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                    f"Cookie: __Host-masthead-visitor={token}; masthead-visitor={token}\r\n\r\n".encode()
                )
                answer = await reader.read()
            finally:
                writer.close()
        except OSError:
            return None
        head, _, body = answer.partition(b"\r\n\r\n")
        if not body:
            return None
        assert head.startswith(b"HTTP/1.1 200 "), answer
        return bool(json.loads(body)["allowed"])

    async def read(self, visitor: Visitor, article: str, process: int) -> None:
        """Ask, and keep the answer."""
        self.answers[visitor.id, article] = await self.ask(visitor, article, process)
        if len(self.answers) > VISITORS // 4:
            self.first_answers.set()

    async def all_at_once(self, everyone: list[Visitor], kill: int | None) -> None:
        """Each visitor asks for two articles, of two processes. `kill`: a process to be killed meanwhile."""
        asks = [
            self.read(visitor, WANTED[(number + second) % len(WANTED)], (number + second) % PROCESSES)
            for number, visitor in enumerate(everyone)
            for second in range(2)
        ]
        async with asyncio.TaskGroup() as group:
            for ask in asks:
                group.create_task(ask)
            if kill is not None:
                await self.first_answers.wait()
                self.publisher.running[kill].kill()

    async def refused_though_counted(
        self, everyone: list[Visitor], counted: dict[str, set[str]]
    ) -> list[str]:
        """Counted articles that any process refuses."""
        asks = {
            (visitor.id, article, process): self.ask(visitor, article, process)
            for number, visitor in enumerate(everyone)
            for article in sorted(counted[visitor.id])
            for process in (number % PROCESSES,)
        }
        answers = dict(zip(asks, await asyncio.gather(*asks.values()), strict=True))
        return [
            f"{visitor} {article}" for (visitor, article, _), opened in answers.items() if opened is not True
        ]


def play(publisher: Publisher, number: int, kill: int | None = None) -> Round:
    """Play one round, and check it. Numbers of rounds differ."""

    async def whole() -> Round:
        everyone, played = publisher.at_the_last(number), Round(publisher)
        await played.all_at_once(everyone, kill)
        if kill is not None:
            publisher.restart(kill)
        counted = publisher.counted(number)
        assert max(map(len, counted.values())) <= LIMIT
        for (visitor, article), opened in played.answers.items():
            assert opened is not True or article in counted[visitor], "what was opened is counted"
        if kill is None:
            assert all(len(articles) == LIMIT for articles in counted.values()), (
                "nobody was refused the last one"
            )
            opened_for = Counter(visitor for (visitor, _), opened in played.answers.items() if opened)
            assert set(opened_for.values()) == {1}
        assert await played.refused_though_counted(everyone, counted) == []
        return played

    return asyncio.run(whole())


@pytest.mark.prove
@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_four_processes_give_each_visitor_the_last_article_once(publisher: Publisher) -> None:
    for number in range(ROUNDS):
        played = play(publisher, number)
        assert None not in played.answers.values()


@pytest.mark.prove
@pytest.mark.timeout(120 + 40 * KILLS)
def test_a_killed_process_loses_no_count_that_was_answered(publisher: Publisher) -> None:
    unanswered = 0
    for number in range(KILLS):
        played = play(publisher, ROUNDS + number, kill=number % PROCESSES)
        unanswered += sum(opened is None for opened in played.answers.values())
    assert unanswered, "the kills came too late to show anything"
