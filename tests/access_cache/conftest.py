"""Fixtures of the access cache's tests."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.access_cache.cache_parts import CacheParts, running_on

Story = Callable[[CacheParts], Coroutine[Any, Any, None]]


@pytest.fixture
def on_cache(database_url: str) -> Callable[..., None]:
    """`on_cache(story)` runs `async def story(parts)`."""

    def run(story: Story, **more: Any) -> None:
        async def whole() -> None:
            async with running_on(database_url, **more) as parts:
                await story(parts)

        asyncio.run(whole())

    return run
