"""Cancelling as pages, the same from the account and from a mailed link: no survey, no call, no sign-in beyond the link."""

from datetime import date, datetime, timedelta

from sqlmodel import Session
from starlette.responses import Response

from billing.changes import cancel, withdraw
from billing.payments import receipts
from billing.payments.models import Refund, RefundState
from billing.platform.actors import ReaderActor
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import open_requests, withdrawals
from billing.staff.cancellations import cancel_for_reader, undo_for_reader
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from billing.web.kit.view_rows import sum_of
from billing.web.kit.visit import Visit
from billing.web.views.account import CancelledPage, CancelPage, LeaveEarly, WithdrawalTerms

SHOWN_WITHIN = timedelta(days=10)
"""How long a bank may take to show money that came back."""
REASONS = {"price", "time", "content", "trouble", "elsewhere", "other"}


def cancel_page(visit: Visit, subscription: Subscription, *, action: str, back: str) -> Response:
    """What cancelling means for this reader, before it is done; or, when it is done, the way back."""
    if subscription.cancel_asked_at is not None or subscription.state is State.ENDED:
        return cancelled_page(visit, subscription, back=back)
    with visit.begin() as ctx:
        reader = by_id(ctx.session, subscription.reader_id)
        offer = withdrawal(visit, ctx.session, subscription, back)
        leaving = cancel.leaving(ctx, subscription, visit.at)
    access_until = last_day(visit, subscription)
    decided = offer is not None and offer.withdrew_on is not None
    at_once = offer if access_until and not decided else None
    view = CancelPage(
        email=reader.email,
        access_until=access_until,
        in_trial=subscription.state is State.TRIALING,
        withdraw=at_once,
        leave=LeaveEarly(
            last_day=visit.services.site.last_day(leaving.ends_at),
            refund=Money(leaving.cents, leaving.payment.currency),
        )
        if leaving and not at_once
        else None,
        ask=offer if decided else None,
        action=action,
    )
    return visit.page(view)


def last_day(visit: Visit, subscription: Subscription) -> date | None:
    """The last day of reading if it is cancelled now; None when reading would stop at once."""
    site = visit.services.site
    until = cancel.end_of_what_is_held(site, subscription, [], visit.at)
    return site.last_day(until) if until > visit.at else None


def cancel_with(visit: Visit, subscription: Subscription, *, when: str, reason: str, comment: str) -> None:
    """Cancel, counted from this moment, or from that of a request by form that waits. `now` takes the sale back and `early` leaves a year, where the reader was offered that."""
    recorded = reason if reason in REASONS else "no reason given"
    if said := comment.replace("\0", "").strip():
        recorded = f"{recorded}: {said[:1000]}"
    subscription_id, by = subscription.id, ReaderActor(subscription.reader_id)
    with visit.begin() as ctx:
        at = visit.at
        if when == "now" and withdrawals.at_once(
            ctx.acting_as(by), subscription_id, asked_at=at, reason=recorded
        ):
            return
        locked = lock(ctx.session, subscription_id)
        asked_at = open_requests.asked_first(ctx.session, locked, at)
        early = when == "early" and cancel.leaving(ctx, locked, asked_at) is not None
        cancel_for_reader(
            ctx.acting_as(by),
            subscription_id,
            asked_at=at,
            reason=recorded,
            when=cancel.When.EARLY if early else cancel.When.PERIOD_END,
        )


def withdraw_with(visit: Visit, subscription: Subscription) -> bool:
    """Take the sale back, in one step; or, where staff decide, cancel and ask them. Whether it was taken back. Raises
    CoolingOffOver."""
    site, at = visit.services.site, visit.at
    with visit.services.database.begin(site, at, ReaderActor(subscription.reader_id)) as ctx:
        done = withdrawals.withdraw_or_ask(
            ctx, subscription.id, asked_at=at, ip=visit.ip, device=visit.device
        )
    return isinstance(done, withdraw.Withdrawal)


def withdrawal(
    visit: Visit, session: Session, subscription: Subscription | None, action: str
) -> WithdrawalTerms | None:
    """What the reader may still take back, or has asked staff for, for a page; `action` does it."""
    site = visit.services.site
    found = withdraw.offered(visit.context(session), subscription)
    if found is None or subscription is None:
        return None
    asked = open_requests.to_withdraw(session, subscription)
    currency = found.first.payment.currency
    return WithdrawalTerms(
        amount=Money(found.cents, currency),
        unread=Money(found.later_cents, currency) if found.later_cents else None,
        last_day=found.last_day,
        action=action,
        withdrew_on=found.earlier[-1].on if found.needs_staff else None,
        requested_on=site.today(asked.received_at) if asked else None,
    )


def undo_with(visit: Visit, subscription: Subscription) -> None:
    """Take the cancellation back. Raises NothingToUndo."""
    with visit.begin() as ctx:
        by = ReaderActor(subscription.reader_id)
        undo_for_reader(ctx.acting_as(by), subscription.id)


def _is_on_its_way(refund: Refund, asked_at: datetime | None, at: datetime) -> bool:
    """Whether the cancelled page says that it is: not of one made before the reader asked, nor of one the bank must have shown,
    nor of one that waits for our balance."""
    if refund.awaiting_balance_since is not None:
        return False
    if refund.state is RefundState.SUCCEEDED:
        since_asked = asked_at is not None and refund.created_at >= asked_at
        return since_asked and refund.settled_at is not None and at - refund.settled_at <= SHOWN_WITHIN
    return refund.state is not RefundState.FAILED


def cancelled_page(visit: Visit, subscription: Subscription, *, back: str) -> Response:
    """It is done: what is still open, what comes back or can be taken back, and the way back: at once where the reader is signed
    in, else by a link mailed anew."""
    with visit.begin() as ctx:
        paid = receipts.paid_by(ctx.session, subscription.reader_id)
        offer = withdrawal(visit, ctx.session, subscription, back)
        undoable = cancel.may_undo(ctx, subscription)
    signed_in = visit.reader is not None and visit.reader.id == subscription.reader_id
    mine = [one for one in paid if one.invoice.subscription_id == subscription.id]
    returning = [
        refund
        for one in mine
        for refund in one.refunds
        if _is_on_its_way(refund, subscription.cancel_asked_at, visit.at)
    ]
    reading = (
        subscription.state is not State.ENDED
        and subscription.cancels_at
        and subscription.cancels_at > visit.at
    )
    view = CancelledPage(
        access_until=visit.services.site.last_day(subscription.cancels_at)
        if reading and subscription.cancels_at
        else None,
        ever_charged=subscription.period_number > 0,
        refund=sum_of(returning),
        waiting=sum_of([refund for one in mine for refund in one.waiting]),
        owed=sum_of([refund for one in mine for refund in one.owed]),
        undo=("here" if signed_in else "by_mail") if undoable else None,
        withdraw=offer,
    )
    return visit.page(view)
