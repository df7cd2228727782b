"""Withdraw for a reader in one step; where they withdrew within a year before, by a request to staff."""

from datetime import datetime

from billing.changes import cancel, withdraw
from billing.changes.withdraw import Withdrawal
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.staff import open_requests
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import ReaderRequest, RequestKind
from billing.staff.requests import RequestSender, record_request
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription

WORDS = "I withdraw from my subscription. Please return what I paid."
WHY = "asked to withdraw once more within a year"


def at_once(
    ctx: TransactionContext, subscription_id: str, *, asked_at: datetime, reason: str = withdraw.NO_REASON
) -> Withdrawal | None:
    """Take the sale back in one step, as of `asked_at` or of a form that asked to cancel shortly before. None, and nothing is
    done, where the cooling-off days are over or staff decide. Raises BadMoment, UnknownSubscription."""
    subscription, asked_at, found = _offered(ctx, subscription_id, asked_at)
    if found is None or found.needs_staff:
        return None
    return _take_back(ctx, subscription, asked_at, reason)


def _offered(
    ctx: TransactionContext, subscription_id: str, asked_at: datetime
) -> tuple[Subscription, datetime, Withdrawal | None]:
    """The locked subscription, the moment from which the withdrawal counts, and what it would give back."""
    subscription = lock(ctx.session, subscription_id)
    asked_at = open_requests.asked_first(ctx.session, subscription, asked_at)
    asked_at = cancel.moment_of_asking(subscription, asked_at, ctx.at)
    return subscription, asked_at, withdraw.offered(ctx.moved_to(asked_at), subscription)


def _take_back(
    ctx: TransactionContext, subscription: Subscription, asked_at: datetime, reason: str
) -> Withdrawal:
    open_requests.close_to_cancel(ctx, subscription.reader_id, since=asked_at)
    return withdraw.withdraw(ctx, subscription.id, asked_at=asked_at, reason=reason)


def withdraw_or_ask(
    ctx: TransactionContext,
    subscription_id: str,
    *,
    asked_at: datetime,
    ip: str,
    device: str,
    reason: str = withdraw.NO_REASON,
) -> Withdrawal | ReaderRequest:
    """Take the sale back in one step; where staff decide, cancel, and store one request to them. Raises CoolingOffOver,
    BadMoment, UnknownSubscription."""
    subscription, asked_at, found = _offered(ctx, subscription_id, asked_at)
    if found is None:
        raise withdraw.CoolingOffOver
    if not found.needs_staff:
        return _take_back(ctx, subscription, asked_at, reason)
    if subscription.state is not State.ENDED and subscription.cancel_asked_at is None:
        cancel_for_reader(ctx, subscription_id, asked_at=asked_at, reason=WHY)
    if (request := open_requests.to_withdraw(ctx.session, subscription)) is not None:
        return request
    reader = ctx.session.get_one(Reader, subscription.reader_id)
    sender = RequestSender(reader, reader.email, ip, device, proved=True)
    as_asked = ctx.moved_to(asked_at)
    return record_request(as_asked, sender, RequestKind.WITHDRAW, WORDS, subscription_id)[0]
