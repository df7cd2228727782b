"""A refund failed: whether it is owed, the notice to its reader, and the case for staff."""

from billing.acquirer.reason_words import refund_failure
from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.mail import obsolete
from billing.notices.refunds import refund_failed
from billing.payments import dispute_limits, refunds_owed
from billing.payments.models import Payment
from billing.payments.refund_models import Refund
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.rules.addresses import is_erased
from billing.rules.money import Money

_ASKED = " The reader was told, and asked for a bank account."
_NOBODY_TO_ASK = (
    " The account was erased before, so nobody can be asked for a bank account: the money stays owed."
)


def note_failure(ctx: TransactionContext, refund: Refund, payment: Payment) -> None:
    """Open a case. Staff pay money that is owed and can't go back by itself (STR-13), and the reader is asked for an account.
    Money that has left already isn't owed; staff find out why. What a bank has returned for good needs nobody."""
    ctx.session.flush()
    if _is_returned_for_good(ctx, refund, payment):
        return
    is_owed, after = refund in refunds_owed.of_payment(ctx.session, payment), ""
    if is_owed:
        refund_failed(ctx, refund, payment)
        is_gone = is_erased(by_id(ctx.session, refund.reader_id).email)
        after = _NOBODY_TO_ASK if is_gone else _ASKED
    elif dispute_limits.is_taken(ctx.session, payment):
        after = " It isn't owed, for the reader's bank has taken the charge back; should we win that dispute, it is."
    open_case(
        ctx,
        CaseKind.REFUND_FAILED,
        refund.id,
        f"{Money(refund.amount).with_vat_words()} did not go back: {refund_failure(refund.failure) or 'no reason given'}.{after}",
        reader_id=refund.reader_id,
        ours=refund.amount,
        facts={
            "payment": refund.payment_id,
            "refund at the acquirer": refund.gateway_ref or "",
            "for": refund.reason,
        },
        link="/staff/owed" if is_owed else f"/staff/readers/{refund.reader_id}",
    )


def _is_returned_for_good(ctx: TransactionContext, refund: Refund, payment: Payment) -> bool:
    """`dispute_lost` closes the cases of what failed before the decision."""
    lost = dispute_limits.is_lost(ctx.session, payment)
    return lost and refund in refunds_owed.returned_by_bank(ctx.session, payment)


def made_after_all(ctx: TransactionContext, refund: Refund) -> None:
    """The refund isn't owed any more: take back its unsent mails, and close its case."""
    ctx.session.flush()
    obsolete.take_back(ctx.session, [refund.id])
    reason = "The acquirer has made this refund after all."
    close_about(ctx.acting_as(WORKER), CaseKind.REFUND_FAILED, refund.id, reason=reason)


def dispute_won(ctx: TransactionContext, payment: Payment) -> None:
    """The money is ours again, so refunds that failed while the bank had it are owed: notify readers who weren't notified."""
    for refund in refunds_owed.of_payment(ctx.session, payment):
        refund_failed(ctx, refund, payment)


def dispute_lost(ctx: TransactionContext, payment: Payment) -> None:
    """The bank has returned the money for good: close the cases about refunds that failed meanwhile."""
    for refund in refunds_owed.returned_by_bank(ctx.session, payment):
        reason = "The reader's bank has returned this money."
        close_about(ctx, CaseKind.REFUND_FAILED, refund.id, reason=reason)
