"""The requests of each case of the access benchmark, each with the answer that it must get."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from random import Random

import httpx

from billing.access import visitors
from billing.access.visitors import FirstReading, Visitor
from billing.platform.site import Site
from tests.bench.load_client import LoadClient
from tests.bench.meter_visitors import MeterVisitor, MeterVisitors
from tests.bench.paper import Picker, level_of
from tests.bench.paper_hour import ANONYMOUS_LIMIT, FREE, LOCKED, METERED, REST
from tests.bench.publisher import Publisher
from tests.bench.readers import reader_of
from tests.bench.requests import (
    ALLOWED,
    COUNTED,
    GIVEN,
    REFUSED,
    SUBSCRIBED,
    TOKEN,
    TOKEN_LINE,
    Ask,
    Browser,
    ReaderBrowsers,
    access_line,
    gate_answer,
    gate_line,
    many,
    program,
    signed_in,
)

GIFTS_OF_ONE, READERS_OF_ONE = 10, 25
"""Gifts that a subscriber gives in a month, and readers who may open each, as the settings have it."""
STRANGERS = 1 << 24
"""The numbers of browsers that are no reader's begin here."""


class AccessCases:
    """Endless requests of one kind each, seeded. Visitors of one case are in no other: each knows what they have read."""

    def __init__(self, house: Publisher, seed: int = 7) -> None:
        self.house = house
        self._random = random = Random(seed)
        self._browsers = ReaderBrowsers()
        self._numbers = count(STRANGERS)
        self._any = Picker(house.articles, random, METERED, LOCKED, FREE)
        self._unfree = Picker(house.articles, random, METERED, LOCKED)
        self._locked = Picker(house.articles, random, LOCKED)
        self._metered = Picker(house.articles, random, METERED)

    def stranger(self) -> Browser:
        """A browser that was never here before."""
        return Browser(next(self._numbers))

    def everyone(self) -> Iterator[Ask]:
        """One request of each reader, which brings all into memory."""
        for number in self.house.subscribers:
            yield Ask(access_line(self._locked.draw()), self._browsers[number], SUBSCRIBED)
        for number in self.house.registered:
            yield Ask(access_line(self._locked.draw()), signed_in(number), REFUSED)

    def subscriber(self) -> Iterator[Ask]:
        """Subscribers read."""
        while True:
            yield Ask(access_line(self._unfree.draw()), self._subscriber(), SUBSCRIBED)

    def gate(self) -> Iterator[Ask]:
        """The same through a web server in front of the articles."""
        reason = gate_answer("subscription")
        while True:
            yield Ask(gate_line(self._unfree.draw()), self._subscriber(), reason, b"204")

    def locked(self) -> Iterator[Ask]:
        """Strangers come to locked articles; half of them have a visitor's cookie."""
        known = [self._returning().browser for _ in range(2_000)]
        new = [self.stranger() for _ in range(2_000)]
        while True:
            browser = self._random.choice(self._random.choice((known, new)))
            yield Ask(access_line(self._locked.draw()), browser, REFUSED)

    def accounts(self) -> Iterator[Ask]:
        """Subscribers look at their account page."""
        while True:
            yield Ask(b"GET /account HTTP/1.1\r\n", self._subscriber(), b"")

    def tokens(self) -> Iterator[Ask]:
        """Subscribers' apps fetch reader tokens."""
        while True:
            yield Ask(TOKEN_LINE, self._subscriber(), TOKEN)

    def lists(self, size: int) -> Iterator[Ask]:
        """A program asks for readers, of whom half subscribe, about so many articles of all levels."""
        site = program(self.house.key)
        while True:
            articles, reader = self._any.draw_different(size), self._reader()
            is_open = [self._is_open(article, reader) for article in articles]
            yield many(articles, site, sum(is_open), reader_of(reader))

    def singly(self) -> Iterator[Ask]:
        """The program asks about the same articles for the same readers, one at a time."""
        site = program(self.house.key)
        while True:
            article, reader = self._any.draw(), self._reader()
            part = ALLOWED if self._is_open(article, reader) else REFUSED
            yield Ask(access_line(f"{article}?reader_id={reader_of(reader)}&prefetch=true"), site, part)

    def newcomers(self) -> Iterator[Ask]:
        """The first metered article of browsers that were never here."""
        while True:
            yield Ask(access_line(self._metered.draw()), self.stranger(), COUNTED)

    def first_readings(self) -> Iterator[Ask]:
        """Returning visitors read their second and third article: each is written."""
        returning = (self._returning() for _ in count())
        crowd = MeterVisitors(returning, ANONYMOUS_LIMIT, self._metered, self._random, REST)
        while True:
            crowd.tick()
            yield crowd.first_reading()

    def counted_before(self, client: LoadClient, size: int) -> Iterator[Ask]:
        """So many visitors have used up their articles. They read them again, or ask for another one."""
        crowd = MeterVisitors(iter(()), ANONYMOUS_LIMIT, self._metered, self._random, REST)
        readers = [MeterVisitor(self.stranger()) for _ in range(size)]
        for _ in range(ANONYMOUS_LIMIT):
            client.at_full(self._each_reads_one(readers))
            for visitor in readers:
                crowd.settle(visitor)
        return self._again(crowd)

    def gifts(self, url: str, client: LoadClient, size: int) -> list[tuple[Browser, str]]:
        """Let so many browsers open a gift; each with its article."""
        opened = []
        for number in range(-(-size // READERS_OF_ONE)):
            article = f"article-{number % GIFTS_OF_ONE}"
            secret = self._give(url, reader_of(number // GIFTS_OF_ONE), article)
            opened += [
                (Browser(next(self._numbers), b"masthead-gift=" + secret), article)
                for _ in range(READERS_OF_ONE)
            ]
        client.at_full(self._each_once(opened))
        return opened

    def opened_gifts(self, opened: Sequence[tuple[Browser, str]]) -> Iterator[Ask]:
        """They read them again."""
        while True:
            browser, article = self._random.choice(opened)
            yield Ask(access_line(article), browser, GIVEN)

    def _subscriber(self) -> Browser:
        return self._browsers.one_of(self.house.subscribers, self._random)

    def _reader(self) -> int:
        """One of the subscribers, or of the last tenth of the registered, who read nothing on the meter."""
        unsubscribed = self.house.registered[-len(self.house.registered) // 10 :]
        return self._random.choice(self.house.subscribers if self._random.random() < 0.5 else unsubscribed)

    def _is_open(self, article: str, reader: int) -> bool:
        return reader in self.house.subscribers or level_of(article) is not LOCKED

    def _give(self, url: str, reader: str, article: str) -> bytes:
        """The secret of a subscriber's gift."""
        headers = {"authorization": f"Bearer {self.house.key}", "idempotency-key": f"{reader}-{article}"}
        given = httpx.post(
            f"{url}/v1/articles/{article}/gifts",
            json={"reader_id": reader},
            headers=headers,
            trust_env=False,
            timeout=30,
        )
        return str(given.raise_for_status().json()["token"]).encode()

    def _returning(self) -> MeterVisitor:
        """One whose cookie remembers a first article, and of whom nothing is written yet."""
        article, number = self._metered.draw(), next(self._numbers)
        return MeterVisitor(
            Browser(number, returning_cookie(self.house.site, number, article)), [article], is_known=True
        )

    def _each_reads_one(self, readers: Sequence[MeterVisitor]) -> Iterator[Ask]:
        for visitor in readers:
            visitor.pending = self._metered.draw_but(visitor.read)
            yield Ask(access_line(visitor.pending), visitor.browser, COUNTED)

    def _each_once(self, opened: Sequence[tuple[Browser, str]]) -> Iterator[Ask]:
        for browser, article in opened:
            yield Ask(access_line(article), browser, GIVEN)

    def _again(self, crowd: MeterVisitors) -> Iterator[Ask]:
        while True:
            yield crowd.again()


def returning_cookie(site: Site, number: int, article: str) -> bytes:
    """The cookie that a browser got with its first article this month."""
    month = site.today(datetime.now(UTC)).replace(day=1)
    visitor = Visitor(f"vis_{number:022d}", FirstReading(month, article))
    return b"masthead-visitor=" + visitors.token(site, visitor).encode()
