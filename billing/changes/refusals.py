"""Why something can't be done for a subscription as it stands now; said in the same words wherever it is asked."""

from sqlmodel import Session

from billing.platform.errors import Conflict, Unavailable
from billing.platform.installation import held_by


class StandsStill(Unavailable):
    """Payments stand still for the moment, and nothing was charged. Please try again later."""

    code = "stands_still"


def refuse_standstill(session: Session) -> None:
    """Raises StandsStill while money is held: what holds it is said to operators, and no business of a reader's."""
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
