"""Limits how many requests wait for the database in the gate, and the share of them from one network (v5.0.0-15.2.2)."""

from collections import Counter
from collections.abc import Callable

MOST = 2_000
"""Requests that wait: two connections answer as many in a fraction of a second. More mean that the database is stuck."""
SHARE = 4
"""Once a quarter waits, each network gets at most another quarter."""


class TooManyWaiting(Exception):
    """More requests wait for the database than it answers soon."""


class WaitingPlaces:
    """Places for waiting requests of one kind. Networks are found out only in a crowd: it takes a while."""

    def __init__(self) -> None:
        self._taken = 0
        self._by_network: Counter[str] = Counter()

    def take(self, network: Callable[[], str]) -> str:
        """Take a place; returns its name, with which it is given up. Raises TooManyWaiting."""
        if self._taken >= MOST:
            raise TooManyWaiting
        name = network() if self._taken >= MOST // SHARE else ""
        if name and self._by_network[name] >= MOST // SHARE:
            raise TooManyWaiting
        self._taken += 1
        self._by_network[name] += 1
        return name

    def give_up(self, name: str) -> None:
        """Give a place up."""
        self._taken -= 1
        self._by_network[name] -= 1
        if not self._by_network[name]:
            del self._by_network[name]
