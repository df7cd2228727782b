"""Fixtures of the dunning tests."""

import pytest

from tests.support.declined_charge import ASKS_EACH_TIME, DECLINES, Declined, first_charge_declined
from tests.support.world import World


@pytest.fixture
def declined(world: World) -> Declined:
    """A reader whose card ending in 0341 was declined at the first charge; it is 16 March, 09:05."""
    return first_charge_declined(world, DECLINES)


@pytest.fixture
def unconfirmed(world: World) -> Declined:
    """A reader whose bank requires confirmation of every charge, so the first was declined; it is 16 March, 09:05."""
    return first_charge_declined(world, ASKS_EACH_TIME)
