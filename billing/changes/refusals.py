"""Refusals that several changes of a subscription share."""

from sqlmodel import Session

from billing.platform.errors import Conflict, Unavailable
from billing.platform.installation import held_by
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription


class StandsStill(Unavailable):
    """Payments stand still for the moment, and nothing was charged. Please try again later."""

    code = "stands_still"


def refuse_standstill(session: Session) -> None:
    """Raises StandsStill while money is held. Operators see the reason, readers don't."""
    if held_by(session) is not None:
        raise StandsStill


class AlreadyEnded(Conflict):
    """This subscription has ended already. Nothing more will be charged."""

    code = "already_ended"


class IsCancelled(Conflict):
    """It is cancelled. Take the cancellation back first, or give complimentary days."""

    code = "is_cancelled"


class IsOwing(Conflict):
    """A payment is outstanding, so there is no paid period. Once it is paid, or ended, this can be done."""

    code = "is_owing"


class IsPaused(Conflict):
    """It is paused. End the pause first."""

    code = "is_paused"


class ChargeUnderWay(Conflict):
    """A charge is being made this very moment. Try again in a minute."""

    code = "charge_under_way"


def refuse_unless_live(subscription: Subscription) -> None:
    """Raises AlreadyEnded, IsCancelled."""
    if subscription.state is State.ENDED:
        raise AlreadyEnded
    if subscription.cancels_at is not None:
        raise IsCancelled


def refuse_while_charging(subscription: Subscription) -> None:
    """Raises ChargeUnderWay."""
    if subscription.charging_since is not None:
        raise ChargeUnderWay
