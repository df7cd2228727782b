"""Withdraw: within the cooling-off days after its first charge a sale is taken back, the money in full, in one step (ECT-5, INT-2)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from billing.errors import Conflict
from billing.office import Office
from billing.payments import disputed, pay_page, refund, tell_choices
from billing.payments.models import Invoice, Payment
from billing.renewals import cancel
from billing.rules.card_numbers import without_card_numbers
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Subscription

WITHDRAWN = "You withdrew within {days} days of your first payment, so it is returned in full."


class CoolingOffOver(Conflict):
    """The days in which the first charge can be taken back are over, or it has gone back already."""

    code = "cooling_off_over"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The first charge, the cents of it that go back, and the last civil day on which that can be asked."""

    payment: Payment
    cents: int
    last_day: date


def offered(
    session: Session, office: Office, subscription: Subscription | None, at: datetime
) -> Withdrawal | None:
    """What goes back if the sale is taken back at `at`; also where it is cancelled, or ended, already."""
    if subscription is None:
        return None
    first = session.exec(
        select(Payment)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .where(Invoice.subscription_id == subscription.id)
        .order_by(col(Payment.paid_at), col(Payment.id))
        .limit(1)
    ).first()
    if first is None or disputed.is_taken(session, first):
        return None
    last_day = office.today(first.paid_at) + timedelta(days=office.cooling_off_days)
    left = refund.left_of(session, first)
    return Withdrawal(first, left, last_day) if left and office.today(at) <= last_day else None


def withdraw(
    session: Session,
    office: Office,
    subscription_id: str,
    *,
    asked_at: datetime,
    at: datetime,
    by: str,
    why: str = "withdrawn",
) -> Subscription:
    """Take the sale back as of `asked_at`: the first charge goes back in full, as does any made since; reading ends now.

    Raises CoolingOffOver, BadMoment, UnknownSubscription."""
    subscription = lock(session, subscription_id)
    why = without_card_numbers(why)  # taken out, not refused, as with a cancellation
    if not subscription.started_at <= asked_at <= at:
        raise cancel.BadMoment
    found = offered(session, office, subscription, asked_at)
    if found is None:
        raise CoolingOffOver
    reason = WITHDRAWN.format(days=office.cooling_off_days)
    refund.intend(
        session, found.payment, amount=None, cause=f"withdraw:{found.payment.id}", reason=reason, by=by, at=at
    )
    cancel.return_money(session, subscription, asked_at, at, by, cancel.GiveBack.AUTO)
    if subscription.state is not State.ENDED:
        before = subscription.cancel_asked_at
        change(
            session,
            subscription,
            Happening.ENDED_NOW,
            at=at,
            by=by,
            why=why,
            zone=office.zone,
            cancel_asked_at=min(before, asked_at) if before else asked_at,
            cancels_at=at,
            access_until=min(at, subscription.access_until),
            resumes_on=None,
        )
        cancel.void_what_is_owed(session, subscription)
        pay_page.close_soon(session, subscription.id, at)
    tell_choices.withdrawn(session, office, subscription, found.payment, found.cents, at)
    session.add(subscription)
    return subscription
