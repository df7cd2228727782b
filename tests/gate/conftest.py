"""The gate's parts on a database, without a web process around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from billing.gate.listen import Line
from billing.gate.load import Loader
from billing.gate.memory import Memory
from billing.gate.recall import Names, Recall
from billing.office import Office
from billing.tokens import Tokens
from tests.support.world import SECRET_KEY, ZONE

NAMES = Names(b"masthead-session=", b"masthead-visitor=", b"masthead-gift=")
OFFICE = Office(ZONE, "http://127.0.0.1", Tokens(SECRET_KEY))


@dataclass
class Floor:
    """Memory, the line that keeps it true, and what fills it."""

    url: str
    memory: Memory
    line: Line
    loader: Loader
    recall: Recall

    async def until_up(self) -> None:
        """Wait until the line is believed."""
        while not self.line.is_up:
            await asyncio.sleep(0.01)

    async def heard(self, count: int) -> None:
        """Wait until so many things have been heard."""
        while self.memory.heard < count:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def floor_on(url: str, *, most: int = 1000) -> AsyncIterator[Floor]:
    """While the block runs, the line listens."""
    memory = Memory(most)
    line = Line(url, memory.hear, memory.clear, lease=60)  # what is asked here is never whether we were quick
    pool = AsyncConnectionPool(url, min_size=1, max_size=4, open=False, kwargs={"autocommit": True})
    await pool.open()
    listening = asyncio.create_task(line.listen())
    floor = Floor(url, memory, line, Loader(pool, OFFICE, memory, line), Recall(OFFICE, NAMES, []))
    try:
        async with asyncio.timeout(120):
            await floor.until_up()
            yield floor
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await pool.close()


Story = Callable[[Floor], Coroutine[Any, Any, None]]


@pytest.fixture
def on_floor(database_url: str) -> Callable[..., None]:
    """`on_floor(story)` runs `async def story(floor)`."""

    def run(story: Story, **more: Any) -> None:
        async def whole() -> None:
            async with floor_on(database_url, **more) as floor:
                await story(floor)

        asyncio.run(whole())

    return run
