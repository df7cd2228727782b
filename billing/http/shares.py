"""Limits concurrent calls, and the share of them that one party may take."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import Semaphore


class Turns:
    """Counts calls by party: those that run, and those that wait for another of their party to end."""

    def __init__(self, places: int, *, each: int, at_once: int) -> None:
        """`places` in all, `each` of them for one party, of which `at_once` may run."""
        self._places, self._each, self._at_once = places, each, at_once
        self._inside: Counter[str] = Counter()
        self._turns: dict[str, Semaphore] = {}

    @property
    def inside(self) -> int:
        """The number of calls of all parties."""
        return self._inside.total()

    def is_full(self, name: str) -> bool:
        """Whether there is no place for another call of this party."""
        return self.inside >= self._places or self._inside[name] >= self._each

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Take a place and wait for a turn. Check `is_full` first, with no `await` in between."""
        self._inside[name] += 1
        turn = self._turns.setdefault(name, Semaphore(self._at_once, fast_acquire=True))
        try:
            async with turn:
                yield
        finally:
            self._inside[name] -= 1
            if not self._inside[name]:
                del self._inside[name], self._turns[name]
