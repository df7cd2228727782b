"""A year that runs from 1 February 2027."""

import pytest

from tests.support.starting_points import JANUARY, Subscriber, subscriber
from tests.support.world import World


@pytest.fixture
def year(world: World) -> Subscriber:
    """A reader who was charged for a year this morning, 1 February 2027; the year ends with January 2028."""
    return subscriber(world, "yearly", JANUARY)
