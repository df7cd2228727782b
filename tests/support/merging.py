"""Two accounts of one person that are merged, and what must hold afterwards."""

from billing.personal_data import merge
from billing.platform.actors import Command
from billing.reports.doctor import values
from tests.support import ledger_checks
from tests.support.independent_calendar import BROKEN
from tests.support.world import World

SECOND = "thandi.work@example.org"
"""The address of the other account."""


def do_merge(world: World, stays: str, goes: str, *, other_address: bool = False) -> str:
    """Merge two readers, as the command does; the merge's id."""
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        return merge.merge(ctx, stays, goes, other_address=other_address).id


def healthy(world: World) -> None:
    """Fail unless the books add up and the doctor finds nothing, once all that is due is done."""
    world.settle()
    ledger_checks.check(world)
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []
