"""A paper's hour: a seeded mix of requests as a news site has it, each with the answer that it must get."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from billing.rules.access import AccessLevel
from tests.bench.meter_visitors import MeterVisitor, MeterVisitors
from tests.bench.paper import Picker, level_of
from tests.bench.requests import (
    GIVEN,
    REFUSED,
    SUBSCRIBED,
    TOKEN,
    TOKEN_LINE,
    Ask,
    Browser,
    ReaderBrowsers,
    access_line,
    many,
    signed_in,
)

METERED, LOCKED, FREE = AccessLevel.METERED, AccessLevel.SUBSCRIBER, AccessLevel.FREE
SHARES = {
    "strangers on metered articles": 0.55,
    "strangers at locked ones": 0.15,
    "registered on meters": 0.10,
    "subscribers": 0.15,
    "lists of 20": 0.03,
    "gifts": 0.01,
    "tokens": 0.01,
}
AGAIN = 0.7
"""The share of metered requests that read again, or are at the wall."""
LIST = 20
ANONYMOUS_LIMIT, REGISTERED_LIMIT = 3, 10
"""Metered articles a month, as the settings have it."""
REST = 1_000
"""The least number of requests between two first readings of a visitor."""


@dataclass(frozen=True, slots=True)
class HourVisitors:
    """Who comes in the hour. `subscribers` and `registered`: readers' numbers. `strangers`: how many browsers come without a
    session. `gifts`: browsers that have opened a gift, with its article."""

    subscribers: Sequence[int]
    registered: Sequence[int]
    strangers: int
    gifts: Sequence[tuple[Browser, str]]


class PaperHour:
    """An endless hour. The same arguments give the same requests."""

    def __init__(self, names: list[str], who: HourVisitors, *, seed: int = 1, rest: int = REST) -> None:
        self._random = random = Random(seed)
        self._any = Picker(names, random, METERED, LOCKED, FREE)
        self._locked = Picker(names, random, LOCKED)
        self._metered = Picker(names, random, METERED)
        self._unfree = Picker(names, random, METERED, LOCKED)
        self._subscribers, self._browsers = who.subscribers, ReaderBrowsers()
        self._gifts = who.gifts
        self._passers_by = [Browser(number) for number in range(max(1, who.strangers // 10))]
        newcomers = (MeterVisitor(Browser(number)) for number in range(who.strangers))
        readers = (
            MeterVisitor(signed_in(number)) for number in random.sample(who.registered, len(who.registered))
        )
        self.strangers = MeterVisitors(newcomers, ANONYMOUS_LIMIT, self._metered, random, rest)
        self.registered = MeterVisitors(readers, REGISTERED_LIMIT, self._metered, random, rest)
        self._kinds: dict[str, Callable[[], Ask]] = {
            "strangers on metered articles": lambda: self._on_the_meter(self.strangers),
            "strangers at locked ones": self._at_a_locked_one,
            "registered on meters": lambda: self._on_the_meter(self.registered),
            "subscribers": self._check,
            "lists of 20": self._list,
            "gifts": self._gift,
            "tokens": self._token,
        }

    def __iter__(self) -> Iterator[Ask]:
        kinds, shares = list(self._kinds.values()), list(accumulate(SHARES[name] for name in self._kinds))
        while True:
            for draw in self._random.choices(kinds, cum_weights=shares, k=1000):
                self.strangers.tick()
                self.registered.tick()
                yield draw()

    def _on_the_meter(self, visitors: MeterVisitors) -> Ask:
        return visitors.again() if self._random.random() < AGAIN else visitors.first_reading()

    def _at_a_locked_one(self) -> Ask:
        """Half of them have read metered articles before, and have the visitor's cookie."""
        known = self.strangers.known
        has_cookie = known and self._random.random() < 0.5
        browser = self._random.choice(known).browser if has_cookie else self._random.choice(self._passers_by)
        return Ask(access_line(self._locked.draw()), browser, REFUSED)

    def _subscriber(self) -> Browser:
        return self._browsers.one_of(self._subscribers, self._random)

    def _check(self) -> Ask:
        return Ask(access_line(self._unfree.draw()), self._subscriber(), SUBSCRIBED)

    def _list(self) -> Ask:
        """A page of links: of a subscriber, or of a stranger with some articles read."""
        articles = self._any.draw_different(LIST)
        stranger = self.strangers.idle() if self._random.random() < 0.7 else None
        if stranger is None:
            return many(articles, self._subscriber(), len(articles))
        return many(articles, stranger.browser, sum(self._is_open(stranger, article) for article in articles))

    def _is_open(self, stranger: MeterVisitor, article: str) -> bool:
        level = level_of(article)
        return level is FREE or (level is METERED and self.strangers.opens(stranger, article))

    def _gift(self) -> Ask:
        browser, article = self._random.choice(self._gifts)
        return Ask(access_line(article), browser, GIVEN)

    def _token(self) -> Ask:
        return Ask(TOKEN_LINE, self._subscriber(), TOKEN)
