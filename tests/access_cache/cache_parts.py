"""The parts of the access cache on a database, without a web process around them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from billing.access_cache.answer_builder import AnswerBuilder, CookieNames
from billing.access_cache.cache import AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.load import Loader
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from tests.support.installation import SECRET_KEY
from tests.support.stepped_clock import SteppedClock
from tests.support.world import ZONE

NAMES = CookieNames(b"masthead-session=", b"masthead-visitor=", b"masthead-gift=")
SITE = Site(ZONE, "http://127.0.0.1", Tokens(SECRET_KEY))


class WatchedListener(ChangeListener):
    """Tells a test when something was heard."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._news = asyncio.Event()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until what is heard has made it so."""
        while not is_so():
            self._news.clear()
            await self._news.wait()

    def _on_notice(self, notice: psycopg.Notify) -> None:
        super()._on_notice(notice)
        self._news.set()


@dataclass
class CacheParts:
    """AccessCache, the line that keeps it true, and what fills it. On a clock that stands still the line is believed for ever."""

    url: str
    clock: SteppedClock
    cache: AccessCache
    listener: WatchedListener
    loader: Loader
    builder: AnswerBuilder

    async def until_up(self) -> None:
        """Wait until the line is believed."""
        await self.listener.until(lambda: self.listener.is_fresh)

    async def heard(self, count: int) -> None:
        """Wait until so many things have been heard."""
        await self.listener.until(lambda: self.cache.invalidations >= count)


@asynccontextmanager
async def running_on(url: str, *, most: int = 1000) -> AsyncIterator[CacheParts]:
    """While the block runs, the line listens."""
    clock = SteppedClock()
    cache = AccessCache(most, clock)
    listener = WatchedListener(url, cache.invalidate, cache.clear, clock)
    pool = AsyncConnectionPool(url, min_size=1, max_size=4, open=False, kwargs={"autocommit": True})
    await pool.open()
    listening = asyncio.create_task(listener.listen())
    loader = Loader(pool, SITE, cache, listener, clock)
    parts = CacheParts(url, clock, cache, listener, loader, AnswerBuilder(SITE, NAMES, []))
    try:
        async with asyncio.timeout(120):
            await parts.until_up()
            yield parts
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await pool.close()
