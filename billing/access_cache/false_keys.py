"""API keys that nobody has: networks that go on making them up have their keys looked up one after another.

So they take one connection to the database, and a program with a key that works, in such a network, waits for its turn and is known."""

import asyncio
from collections.abc import Awaitable, Callable

from billing.access_cache.bounded_map import Bounded
from billing.platform.monotonic import Monotonic
from billing.rules import networks

MOST = 60
"""False keys from a network in a minute, to which all of its keys are looked up at once."""
SECONDS = 60.0
MOST_NETWORKS = 10_000


class FalseKeys:
    """Counted in this process, by network (`rules/networks`)."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._seconds = monotonic.seconds
        self._counts: Bounded[str, tuple[float, int]] = Bounded(MOST_NETWORKS)
        self._one_by_one = asyncio.Lock()

    async def look(self, address: str, look: Callable[[], Awaitable[bool]]) -> bool:
        """Look a key up that came from this address; whether there is such a key."""
        names = networks.buckets(address)
        if any(self._of(bucket.name)[1] >= MOST * bucket.share for bucket in names):
            async with self._one_by_one:
                is_there = await look()
        else:
            is_there = await look()
        if not is_there:
            for bucket in names:
                since, count = self._of(bucket.name)
                self._counts.keep(bucket.name, (since, count + 1))
        return is_there

    def _of(self, name: str) -> tuple[float, int]:
        now, found = self._seconds(), self._counts.get(name)
        return (now, 0) if found is None or now - found[0] > SECONDS else found
