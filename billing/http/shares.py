"""Room for so many at once, of which one party has a share at most."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import Semaphore


class Turns:
    """Who is inside, by party: those whose turn it is, and those of the same party who wait for theirs."""

    def __init__(self, places: int, *, each: int, at_once: int) -> None:
        """So many `places` in all, so many for `each` party, and of that party's so many `at_once`."""
        self._places, self._each, self._at_once = places, each, at_once
        self._inside: Counter[str] = Counter()
        self._turns: dict[str, Semaphore] = {}

    def is_full(self, name: str) -> bool:
        """Whether there is no room for one more of this party's."""
        return self._inside.total() >= self._places or self._inside[name] >= self._each

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """A place, and in time a turn. The caller has asked whether it is full, with no `await` since."""
        self._inside[name] += 1
        turn = self._turns.setdefault(name, Semaphore(self._at_once))
        try:
            async with turn:
                yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name], self._turns[name]
