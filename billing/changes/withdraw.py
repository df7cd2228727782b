"""Withdraw: within the cooling-off days after its first charge a sale is taken back, in one step (ECT-5, INT-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.changes import cancel, give_back
from billing.changes.give_back import DueBack
from billing.notices.cancellation import sale_withdrawn
from billing.payments import dispute_limits, payment_page
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod, Refund
from billing.platform.actors import Actor
from billing.platform.errors import Conflict
from billing.platform.site import Office
from billing.refunds import refund
from billing.rules import cooling_off
from billing.rules.card_numbers import without_card_numbers
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Subscription

WITHDRAWN = "You withdrew within {days} days of your first payment, so it is returned in full."
CAUSE = "withdraw:"
"""What the refund of a withdrawn first charge answers, before the payment's id."""
NO_REASON = "withdrawn"
"""Why, in the history, where the reader gave no reason."""
UNREAD = "You withdrew, so what you paid for days that you have not read is returned."


class CoolingOffOver(Conflict):
    """The days in which the first charge can be taken back are over, or it has gone back already."""

    code = "cooling_off_over"


class StaffDecide(Conflict):
    """There was a withdrawal within the last year already, from this account or with this card. So a person decides whether the
    money goes back. Nothing more is charged once you have asked."""

    code = "staff_decide"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A withdrawal of the same reader, or with the same card, within a year: its day, its reader, and the cents of that first
    charge which went back."""

    on: date
    reader_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What goes back when a sale is taken back: the first charge in full, and of each later one what is paid for days not
    read; and the last civil day on which that can be asked. `earlier` withdrawals are oldest first."""

    first: DueBack
    later: tuple[DueBack, ...]
    last_day: date
    earlier: tuple[Earlier, ...]
    needs_staff: bool

    @property
    def cents(self) -> int:
        """All that goes back."""
        return self.first.cents + self.later_cents

    @property
    def later_cents(self) -> int:
        """What goes back of charges after the first."""
        return sum(one.cents for one in self.later)


def offered(
    session: Session, office: Office, subscription: Subscription | None, at: datetime
) -> Withdrawal | None:
    """What goes back if the sale is taken back at `at`; also where it is cancelled, or ended, already."""
    if subscription is None:
        return None
    paid = give_back.paid_for(session, subscription)
    if not paid or dispute_limits.is_taken(session, paid[0][0]):
        return None
    payment, invoice, _ = paid[0]
    last_day = cooling_off.last_day(payment.paid_at, office.cooling_off_days, office.zone)
    first = DueBack(payment, invoice, refund.left_of(session, payment))
    if not first.cents or office.today(at) > last_day:
        return None
    since = {one.payment.id: one for one in give_back.due_back(session, subscription, at)}
    read_until = office.today(min(at, subscription.access_until))
    later = [
        since.get(payment.id) or _unread(session, payment, invoice, read_until)
        for payment, invoice, _ in paid[1:]
    ]
    before = _earlier(session, office, paid, at)
    return Withdrawal(
        first,
        tuple(one for one in later if one.cents),
        last_day,
        tuple(before),
        needs_staff=len(before) >= office.withdrawals_a_year,
    )


def _earlier(
    session: Session, office: Office, paid: Sequence[tuple[Payment, Invoice, Attempt]], at: datetime
) -> list[Earlier]:
    """Of the reader, or with a card that has paid for this subscription, whichever it is charged to now. One a payment: a refund
    that failed and was tried again is the same withdrawal."""
    first = paid[0][0]
    paid_with = [attempt.payment_method_id for _, _, attempt in paid]
    fingerprints = select(PaymentMethod.fingerprint).where(col(PaymentMethod.id).in_(paid_with))
    of_reader = select(Payment.id).where(Payment.reader_id == first.reader_id)
    of_cards = (
        select(Payment.id)
        .join(Attempt, col(Attempt.id) == Payment.attempt_id)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(col(PaymentMethod.fingerprint).in_(fingerprints))
    )
    rows = session.exec(
        select(Refund)
        .where(
            col(Refund.payment_id).in_(sa.union(of_reader, of_cards)),
            Refund.payment_id != first.id,
            Refund.cause == sa.func.concat(CAUSE, Refund.payment_id),
        )
        .order_by(col(Refund.created_at), col(Refund.id))
    ).all()
    newest = {row.payment_id: row for row in rows}.values()
    found = [Earlier(office.today(row.created_at), row.reader_id, row.amount) for row in newest]
    return sorted(
        (one for one in found if cooling_off.within_a_year(one.on, office.today(at))), key=lambda one: one.on
    )


def _unread(session: Session, payment: Payment, invoice: Invoice, read_until: date) -> DueBack:
    unread = cooling_off.unread_cents(
        payment.amount, invoice.period_start_on, invoice.period_end_on, read_until
    )
    return DueBack(payment, invoice, min(unread, refund.left_of(session, payment)))


def withdraw(
    session: Session,
    office: Office,
    subscription_id: str,
    *,
    asked_at: datetime,
    at: datetime,
    by: Actor,
    why: str = NO_REASON,
    decided: bool = False,
) -> Withdrawal:
    """Take the sale back as of `asked_at`: the first charge goes back in full, as does any made since, and of others what is
    paid for days not read; reading ends now. `decided`: staff have looked at earlier withdrawals.

    Raises CoolingOffOver, StaffDecide, BadMoment, UnknownSubscription."""
    subscription = lock(session, subscription_id)
    why = without_card_numbers(why)  # taken out, not refused, as with a cancellation
    asked_at = cancel.moment_of_asking(subscription, asked_at, at)
    found = offered(session, office, subscription, asked_at)
    if found is None:
        raise CoolingOffOver
    if found.needs_staff and not decided:
        raise StaffDecide
    returning = _give_back(session, office, found, asked_at, at, by)
    if subscription.state is not State.ENDED:
        _end(session, office, subscription, asked_at, why, at=at, by=by)
    sale_withdrawn(
        session,
        office,
        subscription,
        [found.first.payment, *(one.payment for one in found.later)],
        cents=found.cents,
        later_cents=found.later_cents,
        at=at,
        returning=returning,
    )
    session.add(subscription)
    return found


def _end(
    session: Session,
    office: Office,
    subscription: Subscription,
    asked_at: datetime,
    why: str,
    *,
    at: datetime,
    by: Actor,
) -> None:
    before = subscription.cancel_asked_at
    change(
        session,
        subscription,
        Event.ENDED_NOW,
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
    payment_page.close_soon(session, subscription.id, at)


def _give_back(
    session: Session, office: Office, found: Withdrawal, asked_at: datetime, at: datetime, by: Actor
) -> list[Refund]:
    first = found.first.payment
    reason = WITHDRAWN.format(days=office.cooling_off_days)
    intended = [
        refund.intend(session, first, amount=None, cause=f"{CAUSE}{first.id}", reason=reason, by=by, at=at),
        *(
            refund.intend(
                session,
                one.payment,
                amount=one.cents,
                cause=f"unread:{one.payment.id}",
                reason=give_back.CAME_AFTER if one.payment.paid_at > asked_at else UNREAD,
                by=by,
                at=at,
            )
            for one in found.later
        ),
    ]
    return [one for one in intended if one is not None]
