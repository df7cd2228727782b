"""What a cancellation gives back: always what was taken after the moment of asking, on request the last charge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.payments.models import Attempt, Invoice, Payment
from billing.payments.refund_models import Refund
from billing.platform.actors import StaffActor
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers import deceased
from billing.refunds import grace, refund
from billing.subscriptions.models import Subscription
from emails.languages import named

CAME_AFTER = named(
    "refund reason", "You asked to cancel before this charge was made, so it is returned in full."
)
GIVEN_BACK = named("refund reason", "You cancelled, and this charge is returned in full.")

DIED = named(
    "refund reason", "The subscription ended with its reader’s death, and this charge is returned in full."
)


class GiveBack(StrEnum):
    """Which money goes back. Money taken after the moment of asking always does, so it refuses `none`."""

    NONE = "none"
    LAST = "last"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class DueBack:
    """A payment that goes back with a cancellation, and the cents of it that haven't gone back yet."""

    payment: Payment
    invoice: Invoice
    cents: int
    chosen: bool = False
    """Whether it goes back only because somebody chose so: the last charge, made before the moment of asking."""


def due_back(
    session: Session,
    subscription: Subscription,
    asked_at: datetime,
    give_back: GiveBack = GiveBack.AUTO,
) -> list[DueBack]:
    """What a cancellation as of `asked_at` gives back, newest first, without what has gone back already."""
    if give_back is GiveBack.NONE:
        return []
    paid = paid_for(session, subscription)[::-1]
    last = paid[:1] if give_back is GiveBack.LAST else []
    since = [row for row in paid if _came_after(row[0], row[2], asked_at)]
    left = [
        DueBack(row[0], row[1], refund.left_of(session, row[0]), chosen=row not in since)
        for row in paid
        if row in last or row in since
    ]
    return [back for back in left if back.cents]


FIRST_PAID = (
    sa.select(col(Invoice.subscription_id), func.min(Payment.paid_at).label("paid_at"))
    .join(Payment, col(Payment.invoice_id) == Invoice.id)
    .where(col(Invoice.reader_id) == sa.bindparam("reader_id"), col(Payment.duplicate).is_(False))
    .group_by(Invoice.subscription_id)
)
"""The query of when each subscription of `:reader_id` was paid for first; one that never was is missing."""


def paid_for(session: Session, subscription: Subscription) -> Sequence[tuple[Payment, Invoice, Attempt]]:
    """What was paid for a subscription, oldest first, without duplicates."""
    return session.exec(
        select(Payment, Invoice, Attempt)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .join(Attempt, col(Attempt.id) == Payment.attempt_id)
        .where(Invoice.subscription_id == subscription.id, col(Payment.duplicate).is_(False))
        .order_by(col(Payment.paid_at), col(Payment.id))
    ).all()


def _came_after(payment: Payment, attempt: Attempt, asked_at: datetime) -> bool:
    """Whether the money was taken after the moment of asking, by our clock or the acquirer's: where they disagree the reader is
    right. The acquirer's times are whole seconds, so within one second our clock decides."""
    if attempt.intended_at > asked_at:
        return True
    if payment.paid_at == asked_at.replace(microsecond=0):
        return attempt.settled_at is not None and attempt.settled_at > asked_at
    return payment.paid_at > asked_at


class ChargedSince(Conflict):
    """Something was charged after the moment of asking, and that money always goes back. Cancel with `refund: auto`."""

    code = "charged_since"


def return_money(
    ctx: TransactionContext,
    subscription: Subscription,
    asked_at: datetime,
    give_back: GiveBack,
) -> list[Refund]:
    """Start the refunds of a cancellation as of `asked_at`, each with its own reason, or that the reader has died. Those that
    members chose wait for their minute. Raises ChargedSince."""
    if give_back is GiveBack.NONE and due_back(ctx.session, subscription, asked_at):
        raise ChargedSince
    died = deceased.of(ctx.session, subscription.reader_id) is not None
    returning = []
    for back in due_back(ctx.session, subscription, asked_at, give_back):
        reason = DIED if died else reason_of(back, asked_at)
        made = refund.intend(ctx, back.payment, amount=None, cause=_cause(back.payment.id), reason=reason)
        if made is None:
            continue
        if may_be_undone(ctx, back):
            grace.hold(made, ctx.at)
        returning.append(made)
    return returning


def may_be_undone(ctx: TransactionContext, back: DueBack) -> bool:
    """Whether members have a minute to undo this refund. Not of what was taken after the moment of asking: to keep that would
    break a promise."""
    return isinstance(ctx.actor, StaffActor) and back.chosen


def is_of_cancellation(returning: Refund) -> bool:
    """Whether a cancellation has caused the refund."""
    return returning.cause == _cause(returning.payment_id)


def _cause(payment_id: str) -> str:
    return f"cancel:{payment_id}"


def reason_of(back: DueBack, asked_at: datetime) -> str:
    """The reason on the credit note. What staff or the reader typed stays in the history."""
    return CAME_AFTER if back.payment.paid_at > asked_at else GIVEN_BACK
