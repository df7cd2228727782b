"""Take in a refund that the database lost. Its money went back, so it gets its credit note, and its cause pays no second time."""

from sqlmodel import select

from billing.acquirer.balance_port import FoundRefund
from billing.changes.cancel import When, cancel
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import Refund, RefundState
from billing.platform.context import TransactionContext
from billing.reconcile.catch_up import ReconcileContext
from billing.refunds import refund
from billing.rules.lifecycle import State
from billing.subscriptions.change import lock
from emails.languages import named

REASON = named("refund reason", "Returned before our records were restored from a backup.")
_ENDS = {"withdraw": When.NOW, "cancel": When.PERIOD_END, "race": When.PERIOD_END, "leave": When.PERIOD_END}
"""Causes that show that the reader had cancelled, with when reading ends: a reader who has cancelled isn't charged (INT-3)."""


def take_in_refund(ctx: TransactionContext, run: ReconcileContext, found: FoundRefund) -> bool:
    """Write down a refund as the acquirer knows it; whether it was news. A refund of an unknown payment is left to the
    comparison of the books."""
    known = ctx.session.get(Refund, found.refund_id)
    if known is not None:
        before = known.state
        refund.settle(ctx, known.id, found.answer)
        return known.state is not before or before not in (RefundState.SUCCEEDED, RefundState.FAILED)
    charged = select(Payment).where(Payment.intent_ref == found.intent_ref, Payment.acquirer == run.acquirer)
    payment = ctx.session.exec(charged).first()
    if payment is None:
        return False
    subscription_id = ctx.session.get_one(Invoice, payment.invoice_id).subscription_id
    subscription = lock(ctx.session, subscription_id)
    if found.amount > refund.left_of(ctx.session, payment):
        return False
    made = refund.intend(
        ctx.moved_to(found.at), payment, amount=found.amount, cause=found.cause, reason=REASON
    )
    if made is None:
        return False
    refund.settle(ctx, made.id, found.answer, again=True)
    ends = _ENDS.get(found.cause.partition(":")[0])
    if ends is not None and subscription.state is not State.ENDED and subscription.cancel_asked_at is None:
        reason = "the reader had cancelled when the money went back"
        cancel(ctx, subscription_id, asked_at=found.at, reason=reason, when=ends)
    return True
