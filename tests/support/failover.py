"""A database failover to a standby, as the product sees it."""

from billing import worker
from billing.platform import installation
from tests.support.world import World


def older(world: World) -> str:
    """The `home` that the database had before the failover: the same system on an earlier timeline."""
    (row,) = world.rows(f"SELECT {installation.HOME} AS home")
    system, _, *rest = row["home"].split("-")
    return "-".join([system, "00000000", *rest])


def beat(world: World) -> None:
    """Record a worker heartbeat, as a worker does at its start and while it runs."""
    worker._beat(world.services)
