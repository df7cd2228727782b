"""Refunds that failed for good and are still owed: they bounced, or the acquirer refused them. A bank transfer pays them."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select

from billing.cases.close import close_about, close_about_payment
from billing.cases.models import CaseKind
from billing.payments import dispute_limits
from billing.payments.models import Payment
from billing.payments.refund_models import FAILED_UNPAID, GIVEN, Refund, RefundState
from billing.platform.context import TransactionContext
from billing.rules.money import Money

# A cheap superset of `among`: `to_readers` then checks the few payments that it finds.
_PERHAPS = sa.text(
    # the first condition is the index's, which makes the rest a look at a few payments
    f"""payment.id IN (SELECT payment_id FROM refund WHERE {FAILED_UNPAID})
        AND EXISTS (SELECT FROM refund r WHERE r.payment_id = payment.id AND r.state = 'failed' AND r.paid_back_at IS NULL
        AND (r.bounced_at IS NOT NULL OR (NOT r.not_owed AND r.amount <= payment.amount - (
             SELECT coalesce(sum(amount), 0) FROM refund WHERE payment_id = payment.id AND {GIVEN})
             AND NOT EXISTS (SELECT FROM refund o WHERE o.payment_id = r.payment_id AND o.cause = r.cause AND o.id <> r.id
                             AND (o.state <> 'failed' OR o.credit_note_number IS NOT NULL)))))"""  # noqa: S608
)


def of_payment(session: Session, payment: Payment) -> list[Refund]:
    """The refunds of a payment that are owed, oldest first."""
    return among(payment, _refunds(session, payment), taken=dispute_limits.cents_taken(session, payment))


def _refunds(session: Session, payment: Payment) -> Sequence[Refund]:
    return session.exec(select(Refund).where(Refund.payment_id == payment.id)).all()


def returned_by_bank(session: Session, payment: Payment) -> list[Refund]:
    """The failed refunds of a payment that would be owed if a bank hadn't taken the charge back."""
    refunds = _refunds(session, payment)
    still = among(payment, refunds, taken=dispute_limits.cents_taken(session, payment))
    return [row for row in among(payment, refunds, taken=0) if row not in still]


def _counts(refund: Refund) -> bool:
    """`GIVEN` for a loaded row."""
    return refund.state is not RefundState.FAILED or refund.credit_note_number is not None


def _age(refund: Refund) -> tuple[datetime, str]:
    return refund.created_at, refund.id


def _repeated(refunds: Sequence[Refund]) -> set[str]:
    """Refunds whose cause another refund answers, by id: one that counts, or else a newer one."""
    answers: dict[str, Refund] = {}
    for row in sorted(refunds, key=_age):
        if row.cause not in answers or not _counts(answers[row.cause]):
            answers[row.cause] = row
    return {row.id for row in refunds if answers[row.cause] is not row}


def among(payment: Payment, refunds: Sequence[Refund], *, taken: int) -> list[Refund]:
    """The refunds that are owed, oldest first, of `refunds`: all of the payment's. `taken`: cents that banks have taken back.

    One that bounced is owed unless banks have taken as much. One that was refused is owed while banks have taken nothing, unless
    another refund has returned that money since, for the same cause or any other."""
    failed = [row for row in refunds if row.state is RefundState.FAILED and row.paid_back_at is None]
    left = 0 if taken > 0 else payment.amount - sum(row.amount for row in refunds if _counts(row))
    bounced, refused = list[Refund](), list[Refund]()
    for row in sorted(failed, key=_age):
        if row.bounced_at is not None and row.amount <= taken:
            taken -= row.amount
        elif row.bounced_at is not None:
            bounced.append(row)
    again = _repeated(refunds)
    for row in sorted(failed, key=_age, reverse=True):
        if row.bounced_at is None and not row.not_owed and row.id not in again and row.amount <= left:
            left -= row.amount
            refused.append(row)
    return sorted([*bounced, *refused], key=_age)


def close_cases(ctx: TransactionContext, payment: Payment, *, reason: str) -> None:
    """Close the cases about failed refunds that aren't owed, once another try has gone or nothing is left to return."""
    ctx.session.flush()
    refunds = _refunds(ctx.session, payment)
    still_owed = {row.id for row in among(payment, refunds, taken=0)}
    given, again = sum(row.amount for row in refunds if _counts(row)), _repeated(refunds)
    for row in refunds:
        over = given == payment.amount or row.id in again
        if over and row.state is RefundState.FAILED and row.id not in still_owed:
            close_about(ctx, CaseKind.REFUND_FAILED, row.id, reason=reason)


def close_warnings(ctx: TransactionContext, payment: Payment) -> None:
    """Close the cases in which a card's issuer warned of this charge, once all of it has gone back."""
    ctx.session.flush()
    if sum(row.amount for row in _refunds(ctx.session, payment) if row.credit_note_number) < payment.amount:
        return
    reason = (
        f"{Money(payment.amount, payment.currency).with_vat_words()} went back to the card before a dispute."
    )
    close_about_payment(
        ctx, CaseKind.FRAUD_WARNING, reader_id=payment.reader_id, payment_id=payment.id, reason=reason
    )


def to_readers(session: Session) -> list[Refund]:
    """All that is owed, longest first."""
    payments = session.exec(select(Payment).where(_PERHAPS)).all()
    found = [row for payment in payments for row in of_payment(session, payment)]
    return sorted(found, key=lambda row: (failed_at(row), *_age(row)))


def failed_at(refund: Refund) -> datetime:
    """Since when a failed refund is owed: it came back then, or was refused."""
    return refund.bounced_at or refund.settled_at or refund.created_at
