"""The next charge moves, and the history says why: nobody has to guess it from the days alone."""

from typing import Unpack

from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import Event
from billing.subscriptions.change import change
from billing.subscriptions.models import Subscription
from billing.subscriptions.patch import SubscriptionPatch


def move_charge(
    ctx: TransactionContext,
    subscription: Subscription,
    reason: str,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    """Write the new days on a locked subscription, with a line of history."""
    change(ctx.acting_as(WORKER), subscription, Event.CHARGE_MOVED, reason=reason, **patch)
