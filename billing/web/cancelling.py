"""Cancelling as pages, the same from the account and from a mailed link: no survey, no call, no sign-in beyond the link."""

from datetime import date, timedelta

from starlette.responses import Response

from billing.payments import receipts
from billing.payments.models import RefundState
from billing.readers.register import by_id
from billing.renewals import cancel
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from billing.web import views
from billing.web.visit import Visit

REASONS = {"price", "time", "content", "trouble", "elsewhere", "other"}


def cancel_page(visit: Visit, subscription: Subscription, *, action: str, undo: str) -> Response:
    """What cancelling means for this reader, before it is done; or, when it is done, the way back."""
    if subscription.cancel_asked_at is not None or subscription.state is State.ENDED:
        return cancelled_page(visit, subscription, undo=undo)
    with visit.parts.database.transaction() as session:
        reader = by_id(session, subscription.reader_id)
        cooling = receipts.in_cooling_off(visit.parts.office, receipts.paid_by(session, reader.id), visit.at)
    access_until = _last_day(visit, subscription)
    view = views.Cancel(
        email=reader.email,
        access_until=access_until,
        in_trial=subscription.state is State.TRIALING,
        refund=Money(cooling.payment.amount, cooling.payment.currency) if cooling and access_until else None,
        action=action,
    )
    return visit.page(view)


def _last_day(visit: Visit, subscription: Subscription) -> date | None:
    """The last day of reading if it is cancelled now; None when reading would stop at once."""
    office = visit.parts.office
    until = cancel.end_of_what_is_held(office, subscription, [], visit.at)
    return office.today(until - timedelta(microseconds=1)) if until > visit.at else None


def cancel_with(visit: Visit, subscription_id: str, *, when: str, reason: str, comment: str, by: str) -> None:
    """Cancel, counted from this moment. `when` is `now` only where the reader was offered the money back."""
    why = reason if reason in REASONS else "no reason given"
    if said := comment.replace("\0", "").strip():
        why = f"{why}: {said[:1000]}"
    with visit.parts.database.transaction() as session:
        subscription = lock(session, subscription_id)
        cooling = receipts.in_cooling_off(
            visit.parts.office, receipts.paid_by(session, subscription.reader_id), visit.at
        )
        now = when == "now" and cooling is not None
        cancel.cancel(
            session,
            visit.parts.office,
            subscription_id,
            asked_at=visit.at,
            at=visit.at,
            by=by,
            why=why,
            when=cancel.When.NOW if now else cancel.When.PERIOD_END,
            give_back=cancel.GiveBack.LAST if now else cancel.GiveBack.AUTO,
        )


def undo_with(visit: Visit, subscription_id: str, *, by: str) -> None:
    """Take the cancellation back. Raises NothingToUndo."""
    with visit.parts.database.transaction() as session:
        cancel.undo(session, visit.parts.office, subscription_id, at=visit.at, by=by)


def cancelled_page(visit: Visit, subscription: Subscription, *, undo: str) -> Response:
    """It is done: what is still open, what comes back, and the way back."""
    with visit.parts.database.transaction() as session:
        paid = receipts.paid_by(session, subscription.reader_id)
    returning = sum(
        refund.amount
        for one in paid
        if one.invoice.subscription_id == subscription.id
        for refund in one.refunds
        if refund.state is not RefundState.FAILED
    )
    reading = (
        subscription.state is not State.ENDED
        and subscription.cancels_at
        and subscription.cancels_at > visit.at
    )
    view = views.Cancelled(
        access_until=visit.parts.office.today(subscription.cancels_at - timedelta(microseconds=1))
        if reading and subscription.cancels_at
        else None,
        ever_charged=subscription.period_number > 0,
        refund=Money(returning) if returning else None,
        undo_action=undo if reading else None,
    )
    return visit.page(view)
