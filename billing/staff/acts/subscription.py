"""The subscription that an act for a reader is about."""

from sqlmodel import Session

from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import latest_of, live_of
from billing.subscriptions.models import Subscription

NEVER = "This reader has never had a subscription."


def latest(session: Session, reader_id: str) -> Subscription:
    """The one that runs, else the one that began last. Raises UnknownSubscription."""
    if (found := latest_of(session, reader_id)) is None:
        raise UnknownSubscription(NEVER)
    return found


def running(
    session: Session, reader_id: str, refusal: str = "There is no running subscription."
) -> Subscription:
    """The one that runs. Raises UnknownSubscription."""
    if (found := live_of(session, reader_id)) is None:
        raise UnknownSubscription(refusal)
    return found
