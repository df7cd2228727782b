"""The parts of the access cache on a database, without a web process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from billing.access.check import MeterLimits
from billing.access_cache.answer_builder import AnswerBuilder, AnswerHeaders, CookieNames
from billing.access_cache.cache import AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.decider import Decider
from billing.access_cache.identifier import Identifier
from billing.access_cache.load import Loader
from billing.access_cache.visitor_states import VisitorStates
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from tests.support.installation import SECRET_KEY
from tests.support.stepped_clock import SteppedClock
from tests.support.world import ZONE

NAMES = CookieNames(b"masthead-session=", b"masthead-visitor=", b"masthead-gift=")
SITE = Site(ZONE, "http://127.0.0.1", Tokens(SECRET_KEY))
LIMITS = MeterLimits(10, 3)


def new_decider(site: Site = SITE) -> Decider:
    """A decider with the builder of an installation."""
    builder = AnswerBuilder(site, LIMITS, NAMES.session, AnswerHeaders((), b"visitor=", b"; Path=/"))
    return Decider(site, NAMES, Identifier(site, NAMES.session), builder)


class WatchedListener(ChangeListener):
    """A ChangeListener that lets a test wait for notifications."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._notified = asyncio.Event()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until notifications have made `is_so()` true."""
        while not is_so():
            self._notified.clear()
            await self._notified.wait()

    def _on_notice(self, notice: psycopg.Notify) -> None:
        super()._on_notice(notice)
        self._notified.set()


@dataclass
class CacheParts:
    """The cache, its change listener, and its loader. The stepped clock keeps the listener fresh until a test steps it."""

    url: str
    clock: SteppedClock
    cache: AccessCache
    listener: WatchedListener
    loader: Loader
    decider: Decider
    visitors: VisitorStates

    async def until_up(self) -> None:
        """Wait until the listener is fresh."""
        await self.listener.until(lambda: self.listener.is_fresh)

    async def invalidated(self, count: int) -> None:
        """Wait until there were `count` invalidations."""
        await self.listener.until(lambda: self.cache.invalidations >= count)


@asynccontextmanager
async def running_on(url: str, *, most: int = 1000) -> AsyncIterator[CacheParts]:
    """Run the parts on a database for the length of the block."""
    clock = SteppedClock()
    cache = AccessCache(most, clock)
    listener = WatchedListener(url, cache.invalidate, cache.clear, clock)
    pool = AsyncConnectionPool(url, min_size=1, max_size=4, open=False, kwargs={"autocommit": True})
    await pool.open()
    listening = asyncio.create_task(listener.listen())
    loader = Loader(pool, SITE, cache, listener, clock)
    visitors = VisitorStates(pool, SITE, LIMITS, cache, listener)
    parts = CacheParts(url, clock, cache, listener, loader, new_decider(), visitors)
    try:
        async with asyncio.timeout(120):
            await parts.until_up()
            yield parts
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await pool.close()
