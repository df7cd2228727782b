"""Visitors on the meter, and what the product must answer them: who read which article this month, and who has used up theirs."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.bench.paper import Picker
from tests.bench.requests import COUNTED, USED_UP, Ask, Browser, access_line

NEWCOMERS = 0.5
"""The share of newcomers among first readings."""
AT_THE_WALL = 0.5
"""The share of further articles among the requests of those who have used up theirs."""
DRAWS = 8


class RanDry(RuntimeError):
    """No visitor is left who could read a new article."""


@dataclass(slots=True, eq=False)
class MeterVisitor:
    """`read`: the articles counted. `pending`: one whose first reading may still be under way."""

    browser: Browser
    read: list[str] = field(default_factory=list)
    pending: str = ""
    is_known: bool = False


class MeterVisitors:
    """A population with one limit.

    After a first reading a visitor rests for `rest` requests of the whole load, and until it is answered. So each answer is known
    beforehand."""

    def __init__(
        self, newcomers: Iterator[MeterVisitor], limit: int, picker: Picker, random: Random, rest: int
    ) -> None:
        self.limit = limit
        self.known: list[MeterVisitor] = []
        """Those with an article counted."""
        self._newcomers = newcomers
        self._picker = picker
        self._random = random
        self._rest = rest
        self._now = 0
        self._resting: deque[tuple[int, MeterVisitor]] = deque()
        self._with_room: list[MeterVisitor] = []

    def tick(self) -> None:
        """Note one more request of the load. Visitors who have rested may be drawn again."""
        self._now += 1
        while self._resting:
            until, visitor = self._resting[0]
            if until > self._now or visitor.browser.waiting:
                return
            self._resting.popleft()
            self.settle(visitor)

    def settle(self, visitor: MeterVisitor) -> None:
        """Its first reading has been answered, and counted."""
        visitor.read.append(visitor.pending)
        visitor.pending = ""
        if not visitor.is_known:
            visitor.is_known = True
            self.known.append(visitor)
        if len(visitor.read) < self.limit:
            self._with_room.append(visitor)

    def first_reading(self) -> Ask:
        """A visitor reads an article that isn't counted yet. Raises RanDry."""
        visitor = self._take_with_room() if self._random.random() >= NEWCOMERS else None
        visitor = visitor or next(self._newcomers, None) or self._take_with_room()
        if visitor is None:
            raise RanDry(f"no visitor with fewer than {self.limit} articles is left")
        visitor.pending = self._picker.draw_but(visitor.read)
        self._resting.append((self._now + self._rest, visitor))
        return Ask(access_line(visitor.pending), visitor.browser, COUNTED)

    def again(self) -> Ask:
        """A visitor reads a counted article again, or has used up its articles and asks for another one."""
        if not self.known:
            return self.first_reading()
        visitor = self._random.choice(self.known)
        if len(visitor.read) >= self.limit and self._random.random() < AT_THE_WALL:
            return Ask(access_line(self._picker.draw_but(visitor.read)), visitor.browser, USED_UP)
        return Ask(access_line(self._random.choice(visitor.read)), visitor.browser, COUNTED)

    def idle(self) -> MeterVisitor | None:
        """A known visitor of whom no first reading is under way; None if a few draws find none."""
        for _ in range(DRAWS):
            if self.known and not (visitor := self._random.choice(self.known)).pending:
                return visitor
        return None

    def opens(self, visitor: MeterVisitor, article: str) -> bool:
        """Whether the meter would open this metered article to it."""
        return article in visitor.read or len(visitor.read) < self.limit

    def _take_with_room(self) -> MeterVisitor | None:
        """One who may read more, and waits for no answer: it would depend on which request comes first.

        None if a few draws find none. The last takes its place in the list, which is faster than closing the gap."""
        for _ in range(DRAWS):
            if not self._with_room:
                return None
            place = self._random.randrange(len(self._with_room))
            visitor = self._with_room[place]
            if not visitor.browser.waiting:
                self._with_room[place] = self._with_room[-1]
                self._with_room.pop()
                return visitor
        return None
