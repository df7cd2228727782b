"""Events of passing time: refunds settle, disputes expire, payouts are made."""

from billing.dev.sandbox import disputes, payouts, refunds
from billing.dev.sandbox.world import SandboxWorld


def settle_due(world: SandboxWorld) -> None:
    """Do everything that is due."""
    refunds.settle_due(world)
    disputes.settle_due(world)
    payouts.settle_due(world)


def next_at(world: SandboxWorld) -> int | None:
    """The epoch second of the next event, or None."""
    planned = [row["at"] for row in world.store["setting"].rows.values() if "at" in row]
    leaves_at = payouts.next_at(world)
    return min([*planned, *([leaves_at] if leaves_at is not None else [])], default=None)
