"""A withdrawal about which staff decide: asked for here, with nothing more charged from then on."""

from datetime import datetime

from sqlmodel import Session

from billing.office import Office
from billing.readers.models import Reader
from billing.renewals import cancel, withdraw
from billing.rules.lifecycle import State
from billing.staff import requests
from billing.staff.models import ReaderRequest, RequestKind
from billing.subscriptions.change import lock

WORDS = "I withdraw from my subscription. Please return what I paid."
WHY = "asked to withdraw once more within a year"


def ask(
    session: Session,
    office: Office,
    subscription_id: str,
    *,
    asked_at: datetime,
    at: datetime,
    by: str,
    ip: str,
    device: str,
) -> ReaderRequest:
    """Cancel as of `asked_at`, so that nothing more is charged, and let staff decide about the money; an open request stays the
    one there is. Raises CoolingOffOver, BadMoment, UnknownSubscription."""
    subscription = lock(session, subscription_id)
    asked_at = cancel.moment_of_asking(subscription, asked_at, at)
    if withdraw.offered(session, office, subscription, asked_at) is None:
        raise withdraw.CoolingOffOver
    if subscription.state is not State.ENDED and subscription.cancel_asked_at is None:
        cancel.cancel(session, office, subscription_id, asked_at=asked_at, at=at, by=by, why=WHY)
    open_one = requests.first_of(session, subscription.reader_id, RequestKind.WITHDRAW)
    reader = session.get_one(Reader, subscription.reader_id)
    return open_one or requests.receive(
        session,
        office,
        reader=reader,
        email=reader.email,
        kind=RequestKind.WITHDRAW,
        words=WORDS,
        at=asked_at,
        ip=ip,
        device=device,
    )
