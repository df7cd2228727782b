"""Withdraw from a sale within the cooling-off days after its first charge, in one step (ECT-5, INT-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.changes import cancel, give_back
from billing.changes.give_back import DueBack
from billing.notices.cancellation import sale_withdrawn
from billing.payments import dispute_limits, payment_page, refund_reasons
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.refunds import refund
from billing.rules import cooling_off
from billing.rules.card_numbers import without_card_numbers
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Subscription
from emails.languages import named

CAUSE = "withdraw:"
"""The cause of the refund of a withdrawn first charge begins so; the payment's id follows."""
NO_REASON = "withdrawn"
"""The reason in the history where the reader gave none."""
UNREAD = named("refund reason", "You withdrew, so what you paid for days that you have not read is returned.")


class CoolingOffOver(Conflict):
    """The days in which the first charge can be taken back are over, or it has gone back already."""

    code = "cooling_off_over"


class StaffDecide(Conflict):
    """There was a withdrawal within the last year already, from this account or with this card. So a person decides whether the
    money goes back. Nothing more is charged once you have asked."""

    code = "staff_decide"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A withdrawal of the same reader, or with the same card, within a year: its day, its reader, and the cents that went back."""

    on: date
    reader_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What goes back with a withdrawal: the first charge in full, and of each later one the part for days not read. It can be
    asked for through `last_day`. `earlier` withdrawals are oldest first."""

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
        return sum(back.cents for back in self.later)


def offered(ctx: TransactionContext, subscription: Subscription | None) -> Withdrawal | None:
    """What a withdrawal gives back now, also after a cancellation or an end; None where there is none."""
    if subscription is None:
        return None
    paid = give_back.paid_for(ctx.session, subscription)
    if not paid:
        return None
    payment, invoice, _ = paid[0]
    last_day = _last_day(ctx, payment.paid_at)
    if ctx.today > last_day or dispute_limits.is_taken(ctx.session, payment):
        return None
    first = DueBack(payment, invoice, refund.left_of(ctx.session, payment))
    if not first.cents:
        return None
    since = {back.payment.id: back for back in give_back.due_back(ctx.session, subscription, ctx.at)}
    read_until = ctx.site.today(min(ctx.at, subscription.access_until))
    later = [
        since.get(payment.id) or _unread(ctx.session, payment, invoice, read_until)
        for payment, invoice, _ in paid[1:]
    ]
    before = _earlier(ctx, paid)
    return Withdrawal(
        first,
        tuple(back for back in later if back.cents),
        last_day,
        tuple(before),
        needs_staff=len(before) >= ctx.site.policy.withdrawals_a_year,
    )


TAKEN_BACK = (
    sa.select(col(Invoice.subscription_id))
    .select_from(Refund)
    .join(Payment, col(Payment.id) == Refund.payment_id)
    .join(Invoice, col(Invoice.id) == Payment.invoice_id)
    .where(
        col(Refund.reader_id) == sa.bindparam("reader_id"),
        col(Refund.cause) == sa.func.concat(CAUSE, Refund.payment_id),
    )
    .distinct()
)
"""The query of the subscriptions of `:reader_id` whose sale was taken back."""


def is_in_time(ctx: TransactionContext, first_paid_at: datetime) -> bool:
    """Whether the cooling-off days after this first payment last: before, or after them, nothing is `offered`."""
    return ctx.today <= _last_day(ctx, first_paid_at)


def _last_day(ctx: TransactionContext, first_paid_at: datetime) -> date:
    return cooling_off.last_day(first_paid_at, ctx.site.policy.cooling_off_days, ctx.zone)


def _earlier(ctx: TransactionContext, paid: Sequence[tuple[Payment, Invoice, Attempt]]) -> list[Earlier]:
    """Withdrawals of the reader, or with any card that paid for this subscription. One for each payment: a refund that failed and
    was tried again is the same withdrawal."""
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
    rows = ctx.session.exec(
        select(Refund)
        .where(
            col(Refund.payment_id).in_(sa.union(of_reader, of_cards)),
            Refund.payment_id != first.id,
            Refund.cause == sa.func.concat(CAUSE, Refund.payment_id),
        )
        .order_by(col(Refund.created_at), col(Refund.id))
    ).all()
    newest = {row.payment_id: row for row in rows}.values()
    found = [Earlier(ctx.site.today(row.created_at), row.reader_id, row.amount) for row in newest]
    recent = [earlier for earlier in found if cooling_off.within_a_year(earlier.on, ctx.today)]
    return sorted(recent, key=lambda earlier: earlier.on)


def _unread(session: Session, payment: Payment, invoice: Invoice, read_until: date) -> DueBack:
    unread = cooling_off.unread_cents(
        payment.amount, invoice.period_start_on, invoice.period_end_on, read_until
    )
    return DueBack(payment, invoice, min(unread, refund.left_of(session, payment)))


def withdraw(
    ctx: TransactionContext,
    subscription_id: str,
    *,
    asked_at: datetime,
    reason: str = NO_REASON,
    decided: bool = False,
) -> Withdrawal:
    """Take the sale back as of `asked_at`, and end reading now. The first charge, and any made since, goes back
    in full; of the others the part for days not read. `decided`: staff have judged earlier withdrawals.

    Raises CoolingOffOver, StaffDecide, BadMoment, UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    reason = without_card_numbers(reason)  # masked, not refused, as in `cancel`
    asked_at = cancel.moment_of_asking(subscription, asked_at, ctx.at)
    found = offered(ctx.moved_to(asked_at), subscription)
    if found is None:
        raise CoolingOffOver
    if found.needs_staff and not decided:
        raise StaffDecide
    returning = _give_back(ctx, found, asked_at)
    if subscription.state is not State.ENDED:
        _end(ctx, subscription, asked_at, reason)
    sale_withdrawn(
        ctx,
        subscription,
        [found.first.payment, *(back.payment for back in found.later)],
        cents=found.cents,
        later_cents=found.later_cents,
        returning=returning,
    )
    return found


def _end(ctx: TransactionContext, subscription: Subscription, asked_at: datetime, reason: str) -> None:
    before = subscription.cancel_asked_at
    change(
        ctx,
        subscription,
        Event.ENDED_NOW,
        reason=reason,
        cancel_asked_at=min(before, asked_at) if before else asked_at,
        cancels_at=ctx.at,
        access_until=min(ctx.at, subscription.access_until),
        resumes_on=None,
    )
    cancel.void_open_invoice(ctx.session, subscription)
    payment_page.close_soon(ctx, subscription.id)


def _give_back(ctx: TransactionContext, found: Withdrawal, asked_at: datetime) -> list[Refund]:
    first = found.first.payment
    reason = refund_reasons.withdrawn(ctx.site.policy.cooling_off_days)
    intended = [
        refund.intend(ctx, first, amount=None, cause=f"{CAUSE}{first.id}", reason=reason),
        *(
            refund.intend(
                ctx,
                back.payment,
                amount=back.cents,
                cause=f"unread:{back.payment.id}",
                reason=give_back.CAME_AFTER if back.payment.paid_at > asked_at else UNREAD,
            )
            for back in found.later
        ),
    ]
    return [row for row in intended if row is not None]
