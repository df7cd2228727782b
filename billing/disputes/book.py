"""Post a dispute to the ledger. What the bank took stands in the account `disputes` until the bank decides."""

from billing.acquirer.balance_port import DisputeState
from billing.ledger.models import Account
from billing.ledger.post import Posting, post
from billing.payments import postings, refunds_owed
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.platform.context import TransactionContext


def post_movements(ctx: TransactionContext, dispute: Dispute) -> None:
    """Post what has happened so far; an inquiry moves no money. Safe to repeat.

    A lost dispute is a cost in full: VAT comes back only with a credit note (VAT-10), and there is none. Or it pays what was owed:
    a refund that bounced, or a duplicate payment."""
    if dispute.inquiry:
        return
    cents = dispute.amount
    _post(ctx, dispute, "dispute", {Account.DISPUTES: cents, Account.GATEWAY: -cents})
    if dispute.state is DisputeState.WON:
        _post(ctx, dispute, "dispute_won", {Account.GATEWAY: cents, Account.DISPUTES: -cents})
    if dispute.state is DisputeState.LOST:
        payment = ctx.session.get_one(Payment, dispute.payment_id)
        returned = refunds_owed.returned_by_bank(ctx.session, payment)
        debt = sum(refund.amount for refund in returned if refund.bounced_at is not None)
        if payment.duplicate:
            debt = min(cents, debt + payment.amount - postings.credited(ctx.session, payment))
        lost = {Account.REFUNDS: cents - debt, Account.REFUNDS_OWED: debt, Account.DISPUTES: -cents}
        _post(ctx, dispute, "dispute_lost", lost)


def _post(ctx: TransactionContext, dispute: Dispute, kind: str, lines: dict[Account, int]) -> None:
    post(ctx.session, Posting(kind, dispute.id, ctx.at, ctx.today, lines))
