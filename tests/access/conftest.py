"""Fixtures of the access tests."""

import pytest

from tests.support.articles import Put, registering
from tests.support.world import World


@pytest.fixture
def put(world: World) -> Put:
    """`put("bridge", "metered", free_hours=24)` registers an article, published now, and returns its id."""
    return registering(world)
