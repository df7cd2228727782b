"""Books for what happened before there were any: sales, refunds and given days posted as of their own moments."""

from datetime import date

from sqlmodel import col, select

from billing.ledger.models import LedgerTransaction
from billing.payments import postings
from billing.payments.models import Invoice, Payment, Refund
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import Event
from billing.subscriptions.models import SubscriptionChange

_AT_ONCE = 500


def backpost(ctx: TransactionContext) -> int:
    """Post every sale, refund and given day, where nothing is in the books yet; how many facts. Otherwise nothing: whatever
    was written after the books were opened was posted with its fact. The days it earned are posted by the next tick."""
    if ctx.session.exec(select(col(LedgerTransaction.id)).limit(1)).first() is not None:
        return 0
    return _sales(ctx) + _days(ctx) + _refunds(ctx)


def _sales(ctx: TransactionContext) -> int:
    rows = ctx.session.exec(
        select(Invoice, Payment)
        .join(Payment, (col(Payment.invoice_id) == Invoice.id) & col(Payment.surplus).is_(False))
        .order_by(col(Invoice.period_start_on), col(Invoice.number))
        .execution_options(yield_per=_AT_ONCE)
    )
    done = 0
    for some in rows.partitions():
        paid = [(invoice, payment) for invoice, payment in some]
        postings.sales(ctx.session, ctx.site, paid)
        done += len(paid)
    return done


def _days(ctx: TransactionContext) -> int:
    """The history tells which extensions moved the end of a paid period."""
    changes = ctx.session.exec(
        select(SubscriptionChange)
        .where(col(SubscriptionChange.event) == Event.EXTENDED)
        .order_by(col(SubscriptionChange.id))
    ).all()
    moved = [(change, change.facts["period_end_on"]) for change in changes if "period_end_on" in change.facts]
    for change, (before, after) in moved:
        postings.days_given(
            ctx.moved_to(change.at),
            change.subscription_id,
            before=date.fromisoformat(before),
            after=date.fromisoformat(after),
        )
    return len(moved)


def _refunds(ctx: TransactionContext) -> int:
    rows = ctx.session.exec(
        select(Refund, Payment, Invoice)
        .join(Payment, col(Payment.id) == Refund.payment_id)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .where(col(Refund.credit_note_number).is_not(None))
        .order_by(col(Refund.credit_note_number))
    ).all()
    for refund, payment, invoice in rows:
        postings.refunded(ctx.moved_to(refund.settled_at or refund.created_at), refund, payment, invoice)
    return len(rows)
