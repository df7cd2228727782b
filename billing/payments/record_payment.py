"""Money that arrived, written down: the attempt, the payment, the invoice with its number, the books. Any number at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from billing.acquirer.answers import Charged
from billing.payments import postings
from billing.payments.invoices import mark_paid
from billing.payments.models import Attempt, AttemptState, Invoice, InvoiceState, Payment
from billing.platform import bulk, ids
from billing.platform.context import TransactionContext


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    """A payment's row: its id, the cents, when it was paid, and whether its invoice had been paid before."""

    id: str
    amount: int
    paid_at: datetime
    duplicate: bool


def payment_of(session: Session, acquirer: str, charge_ref: str | None) -> Payment | None:
    """The payment of this charge."""
    by_ref = select(Payment).where(Payment.charge_ref == charge_ref, Payment.acquirer == acquirer)
    return session.exec(by_ref).first()


def record_payments(
    ctx: TransactionContext, charged: Sequence[tuple[Invoice, Attempt, Charged]]
) -> list[RecordedPayment]:
    """Record what the acquirer took for locked attempts, each of another invoice; the payments, in their order.

    The first money for an invoice makes it a tax invoice. Money for a paid one is a duplicate, and a debt of ours."""
    # Before `mark_paid`: the invoice's state up to here says whether a payment is a duplicate.
    rows = [_payment(invoice, attempt, outcome) for invoice, attempt, outcome in charged]
    bulk.update(ctx.session, [(attempt, _charged(outcome, ctx.at)) for _, attempt, outcome in charged])
    bulk.insert(ctx.session, Payment, rows)
    payments = [RecordedPayment(row["id"], row["amount"], row["paid_at"], row["duplicate"]) for row in rows]
    sold = [
        (invoice, payment)
        for (invoice, _, _), payment in zip(charged, payments, strict=True)
        if not payment.duplicate
    ]
    mark_paid(ctx.session, [(invoice, paid.paid_at, ctx.site.today(paid.paid_at)) for invoice, paid in sold])
    postings.sales(ctx.session, ctx.site, sold)
    for payment in payments:
        if payment.duplicate:
            postings.paid_twice(ctx, payment)
    return payments


def _charged(outcome: Charged, at: datetime) -> dict[str, Any]:
    return {
        "state": AttemptState.CHARGED,
        "settled_at": at,
        "claimed_by": None,
        "intent_ref": outcome.intent_ref,
    }


def _payment(invoice: Invoice, attempt: Attempt, outcome: Charged) -> dict[str, Any]:
    return {
        "id": ids.derived("pay", invoice.subscription_id, invoice.period_number, attempt.ordinal),
        "invoice_id": invoice.id,
        "attempt_id": attempt.id,
        "reader_id": invoice.reader_id,
        "amount": outcome.amount,
        "currency": invoice.currency,
        "acquirer": attempt.acquirer,
        "intent_ref": outcome.intent_ref,
        "charge_ref": outcome.charge_ref,
        "network_transaction_id": outcome.network_transaction_id,
        "duplicate": invoice.state is InvoiceState.PAID,
        "paid_at": outcome.at,
    }
