"""Parts of a payment that were refunded in the acquirer's dashboard first. Our refund then returns only the rest."""

from billing.acquirer.answers import MadeRefund, RefundRefused, Unknown
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.models import Payment
from billing.payments.refund_models import GOES_OUT, Refund
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.refunds import refund, waiting
from billing.rules.money import BASE_CURRENCY, spelled


def words_of(refund_ref: str, cents: int, *, is_ours: bool) -> str:
    """The text of a case about a refund at the acquirer without a row here. `is_ours`: it returns a payment of ours."""
    what = f"The acquirer's refund {refund_ref} returned {spelled(cents, BASE_CURRENCY)}, and we have no such refund."
    then = " Somebody made it in the acquirer's dashboard: enter it, so that it gets its credit note."
    return f"{what}{then}" if is_ours else what


def link_to_enter(payment: Payment, refund_ref: str) -> str:
    """The staff page on which such a refund is entered."""
    return f"/staff/readers/{payment.reader_id}/enter-refund?refund={refund_ref}"


def take_less(ctx: TransactionContext, refund_id: str, answer: RefundRefused) -> None:
    """The acquirer refused to return more than is left, and listed what was returned. Each unknown refund gets a case. Ours
    returns the rest; with nothing left, nothing is owed."""
    row, payment = refund.lock_one(ctx.session, refund_id)
    for made in answer.made:
        if refund.find_own(ctx.session, payment.acquirer, made.refund_id, made.refund_ref) is None:
            _open_case(ctx, payment, made)
    left = payment.amount - sum(made.amount for made in answer.made)
    if left <= 0:
        refund.settle(ctx, refund_id, RefundRefused(answer.reason, not_owed=True))
    elif left >= row.amount:
        refund.settle(ctx, refund_id, Unknown(f"{answer.reason}, and its list says otherwise"))
    elif row.state in GOES_OUT:
        _reduce(ctx, payment, row, left)


def _reduce(ctx: TransactionContext, payment: Payment, row: Refund, left: int) -> None:
    parts = refund.split(ctx.session, payment, left, without=row)
    log_event(ctx.session, "refund reduced", refund=row.id, payment=payment.id, cents=left, before=row.amount)
    row.amount, row.net, row.vat = left, parts.net.amount, parts.vat.amount
    row.claimed_by, row.next_poll_at = None, ctx.at
    waiting.take_another_key(row)


def _open_case(ctx: TransactionContext, payment: Payment, made: MadeRefund) -> None:
    open_case(
        ctx,
        CaseKind.UNKNOWN_REFUND,
        made.refund_ref,
        words_of(made.refund_ref, made.amount, is_ours=True),
        reader_id=payment.reader_id,
        theirs=-made.amount,
        facts={
            "refund at the acquirer": made.refund_ref,
            "charge": payment.charge_ref,
            "payment": payment.id,
            "made": made.at.isoformat(),
        },
        link=link_to_enter(payment, made.refund_ref),
    )
