"""Withdraw for a reader, in one step or by asking staff, who decide where there was a withdrawal within a year."""

from datetime import datetime

from sqlmodel import Session

from billing.changes import cancel, withdraw
from billing.changes.withdraw import Withdrawal
from billing.platform.actors import Actor
from billing.platform.site import Office
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.staff import open_requests, requests
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import ReaderRequest, RequestKind
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription

WORDS = "I withdraw from my subscription. Please return what I paid."
WHY = "asked to withdraw once more within a year"


def at_once(
    session: Session,
    office: Office,
    subscription_id: str,
    *,
    asked_at: datetime,
    at: datetime,
    by: Actor,
    why: str = withdraw.NO_REASON,
) -> Withdrawal | None:
    """Take the sale back in one step, as of `asked_at` or of a form that asked to cancel shortly before. None, and nothing is
    done, where the days for it are over or staff decide. Raises BadMoment, UnknownSubscription."""
    subscription, asked_at, found = _offered(session, office, subscription_id, asked_at, at)
    if found is None or found.needs_staff:
        return None
    return _take_back(session, office, subscription, asked_at=asked_at, at=at, by=by, why=why)


def _offered(
    session: Session, office: Office, subscription_id: str, asked_at: datetime, at: datetime
) -> tuple[Subscription, datetime, Withdrawal | None]:
    """The subscription, which is locked, the moment as of which it is withdrawn from, and what that would bring back."""
    subscription = lock(session, subscription_id)
    asked_at = cancel.moment_of_asking(
        subscription, open_requests.asked_first(session, subscription, asked_at), at
    )
    return subscription, asked_at, withdraw.offered(session, office, subscription, asked_at)


def _take_back(
    session: Session,
    office: Office,
    subscription: Subscription,
    *,
    asked_at: datetime,
    at: datetime,
    by: Actor,
    why: str,
) -> Withdrawal:
    open_requests.close_to_cancel(session, office, subscription.reader_id, by=by, at=at, since=asked_at)
    return withdraw.withdraw(session, office, subscription.id, asked_at=asked_at, at=at, by=by, why=why)


def withdraw_or_ask(
    session: Session,
    office: Office,
    subscription_id: str,
    *,
    asked_at: datetime,
    at: datetime,
    by: Actor,
    ip: str,
    device: str,
    why: str = withdraw.NO_REASON,
) -> Withdrawal | ReaderRequest:
    """Take the sale back in one step; where staff decide, the request to them, with nothing charged from then on. An open request
    stays the one there is. Raises CoolingOffOver, BadMoment, UnknownSubscription."""
    subscription, asked_at, found = _offered(session, office, subscription_id, asked_at, at)
    if found is None:
        raise withdraw.CoolingOffOver
    if not found.needs_staff:
        return _take_back(session, office, subscription, asked_at=asked_at, at=at, by=by, why=why)
    if subscription.state is not State.ENDED and subscription.cancel_asked_at is None:
        cancel_for_reader(session, office, subscription_id, asked_at=asked_at, at=at, by=by, why=WHY)
    open_one = open_requests.to_withdraw(session, subscription)
    reader = session.get_one(Reader, subscription.reader_id)
    return (
        open_one
        or requests.receive(
            session,
            office,
            reader=reader,
            email=reader.email,
            kind=RequestKind.WITHDRAW,
            words=WORDS,
            at=asked_at,
            ip=ip,
            device=device,
            subscription_id=subscription_id,
        ).request
    )
