"""Staff may let several readers pay with one card. Its attempts are counted together, whoever adds one at that moment (RET-6)."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from tests.proofs.many_readers import all_of, due
from tests.proofs.steps import intend, together
from tests.support.world import World, local


def share(world: World) -> None:
    """All readers pay with the card of one of them."""
    with world.parts.database.transaction() as session:
        session.execute(
            sa.text("UPDATE payment_method SET fingerprint = (SELECT min(fingerprint) FROM payment_method)")
        )


def attempts(world: World) -> int:
    """How many there are."""
    return len(world.rows("SELECT id FROM attempt"))


@pytest.mark.rare
def test_eight_charges_in_thirty_days_however_many_workers_add_one_at_once(world: World) -> None:
    subscriptions = due(world, 11)
    share(world)
    assert together(*(partial(intend, world, one) for one in subscriptions)) == [None] * 11
    assert attempts(world) == 8
    states = Counter(row["state"] for row in world.rows("SELECT state FROM subscription"))
    assert states == {"trialing": 8, "past_due": 3}, "three are asked for another card"


def test_one_try_a_day_when_the_retries_of_two_readers_are_due_at_once(world: World) -> None:
    for number in range(2):
        world.start_trial(f"r{number}@example.com", f"pm_card_chargeCustomerFail__{number}")
    world.advance_to(local(2027, 3, 16, 12))
    share(world)
    retries = local(2027, 3, 19, 9)
    world.advance_to(retries - timedelta(seconds=1))
    world.skip_to(retries)
    assert attempts(world) == 2, "one each on the day of their first charge"
    assert together(*(partial(intend, world, one) for one in all_of(world))) == [None, None]
    assert attempts(world) == 3
