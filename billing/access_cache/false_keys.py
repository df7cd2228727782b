"""Made-up API keys: a network that sends too many has its keys looked up one after another, on one connection.

A working key from such a network waits its turn and is accepted."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from billing.access_cache.bounded_map import Bounded
from billing.platform.monotonic import Monotonic
from billing.rules import networks

MOST = 60
"""False keys from a network in a minute; above that its keys are looked up one after another."""
SECONDS = 60.0
MOST_NETWORKS = 10_000


class FalseKeys:
    """Counts in this process, by network (`rules/networks`)."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._seconds = monotonic.seconds
        self._counts: Bounded[str, tuple[float, int]] = Bounded(MOST_NETWORKS)
        self._one_by_one = asyncio.Lock()

    async def look_up(self, address: str, lookup: Callable[[], Awaitable[bool]]) -> bool:
        """Look up a key that came from this address; whether it exists."""
        buckets = networks.buckets(address)
        is_crowded = any(self._count(bucket.name)[1] >= MOST * bucket.share for bucket in buckets)
        async with self._one_by_one if is_crowded else nullcontext():
            exists = await lookup()
        if not exists:
            for bucket in buckets:
                since, count = self._count(bucket.name)  # again: others were counted during the look-up
                self._counts.keep(bucket.name, (since, count + 1))
        return exists

    def _count(self, name: str) -> tuple[float, int]:
        now, found = self._seconds(), self._counts.get(name)
        return (now, 0) if found is None or now - found[0] > SECONDS else found
