"""The next charge moves, and the history says why: nobody has to guess it from the days alone."""

from datetime import datetime
from typing import Unpack

from sqlmodel import Session

from billing.platform.actors import WORKER
from billing.platform.site import Office
from billing.rules.lifecycle import Event
from billing.subscriptions.change import change
from billing.subscriptions.models import Subscription
from billing.subscriptions.patch import SubscriptionPatch


def move_charge(
    session: Session,
    office: Office,
    subscription: Subscription,
    why: str,
    at: datetime,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    """Write the new days on a locked subscription, with a line of history."""
    change(session, subscription, Event.CHARGE_MOVED, at=at, by=WORKER, why=why, zone=office.zone, **patch)
