"""What happens here by itself as time passes: refunds arrive or fail, disputes run out, payouts leave."""

from billing.dev.sandbox import disputes, payouts, refunds
from billing.dev.sandbox.world import SandboxWorld


def settle_due(world: SandboxWorld) -> None:
    """Let everything happen whose time has come."""
    refunds.settle_due(world)
    disputes.settle_due(world)
    payouts.settle_due(world)


def next_at(world: SandboxWorld) -> int | None:
    """The next epoch second at which something happens, or None."""
    planned = [row["at"] for row in world.store["setting"].rows.values() if "at" in row]
    leaves_at = payouts.next_at(world)
    return min([*planned, *([leaves_at] if leaves_at is not None else [])], default=None)
