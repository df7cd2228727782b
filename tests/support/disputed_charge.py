"""A first charge that its bank disputes or warns of, and where staff act on it."""

from typing import Any

from tests.support.leaps import leap_to
from tests.support.world import World, local

READER = "thandi@example.com"
CHARGE_DAY = local(2027, 3, 16, 9, 1)


def charged(world: World, card: str) -> str:
    """A subscription whose first charge succeeded a minute ago, with a card that will be disputed."""

    def pay() -> str:
        started = world.start_trial(READER, card)
        leap_to(world, CHARGE_DAY, days=9)
        return str(started["subscription"]["id"])

    return world.once(f"a first charge to {card}, until {CHARGE_DAY}", pay)


def only_dispute(world: World) -> dict[str, Any]:
    """The dispute, of which there is one."""
    (row,) = world.rows("SELECT * FROM dispute")
    return row


def dispute_page(world: World) -> str:
    """The address of its page."""
    row = only_dispute(world)
    return f"/staff/readers/{row['reader_id']}/disputes/{row['id']}"
