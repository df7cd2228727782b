"""A standby that takes over from the database's server, as the product sees it."""

from billing import worker
from billing.platform import installation
from tests.support.world import World


def older(world: World) -> str:
    """By what PostgreSQL knew the database before the failover: all the same, on an earlier timeline."""
    (row,) = world.rows(f"SELECT {installation.HOME} AS home")
    system, _, *rest = row["home"].split("-")
    return "-".join([system, "00000000", *rest])


def beat(world: World) -> None:
    """A worker is there: one that starts, or goes on."""
    worker._beat(world.services)
