"""What tests of dunning begin with."""

import pytest

from tests.support.declined_charge import ASKS_EACH_TIME, DECLINES, Declined, first_charge_declined
from tests.support.world import World


@pytest.fixture
def declined(world: World) -> Declined:
    """A reader whose card ending in 0341 was declined at the first charge; it is 16 March, 09:05."""
    return first_charge_declined(world, DECLINES)


@pytest.fixture
def unconfirmed(world: World) -> Declined:
    """A reader whose bank wants each charge confirmed, so the first one was declined; it is 16 March, 09:05."""
    return first_charge_declined(world, ASKS_EACH_TIME)
