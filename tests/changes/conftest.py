"""Fixtures: a yearly subscription from 1 February 2027, and a declined first charge."""

import pytest

from tests.support.declined_charge import DECLINES, Declined, first_charge_declined
from tests.support.starting_points import JANUARY, Subscriber, subscriber
from tests.support.world import World


@pytest.fixture
def year(world: World) -> Subscriber:
    """A reader who was charged for a year this morning, 1 February 2027; the year ends with January 2028."""
    return subscriber(world, "yearly", JANUARY)


@pytest.fixture
def declined(world: World) -> Declined:
    """A reader whose card ending in 0341 was declined at the first charge; it is 16 March, 09:05."""
    return first_charge_declined(world, DECLINES)
