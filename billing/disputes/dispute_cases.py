"""The cases about disputes and fraud warnings follow what the bank does and what was answered."""

from billing.acquirer.balance_port import DisputeState
from billing.acquirer.reason_words import dispute_reason
from billing.cases.close import close_about, close_about_payment
from billing.cases.follow import follow as follow_case
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.dispute_models import Dispute
from billing.platform.context import TransactionContext
from billing.rules.money import Money

DECIDED = {
    DisputeState.WON: "The bank has decided: the money is ours.",
    DisputeState.LOST: "The bank has decided: the reader keeps the money.",
    DisputeState.CLOSED: "The bank’s question came to nothing.",
}


def follow(ctx: TransactionContext, dispute: Dispute, *, escalated: bool) -> None:
    """Open, change or close the case of a dispute. `escalated`: an inquiry has become a chargeback just now, which opens a second
    case where the first is closed."""
    if not dispute.inquiry and dispute.takes:
        # there is nothing left to refund before the dispute
        close_about_payment(
            ctx,
            CaseKind.FRAUD_WARNING,
            reader_id=dispute.reader_id,
            payment_id=dispute.payment_id,
            reason="The reader’s bank has taken the charge back; its dispute is a case of its own.",
        )
    if not dispute.open:
        for subject in (dispute.id, _chargeback(dispute)):
            close_about(ctx, CaseKind.DISPUTE, subject, reason=DECIDED[dispute.state])
    elif not any(_follow(ctx, dispute, subject) for subject in (dispute.id, _chargeback(dispute))):
        opened = _open(ctx, dispute, dispute.id)
        if escalated and not opened:
            _open(ctx, dispute, _chargeback(dispute))


def dispute_of(subject: str) -> str:
    """The id of the dispute that a case is about, by the case's subject."""
    return subject.partition(":")[0]


def _chargeback(dispute: Dispute) -> str:
    return f"{dispute.id}:chargeback"


def _what(dispute: Dispute) -> str:
    asks = "asks about" if dispute.inquiry else "has taken back"
    return f"The reader's bank {asks} {Money(dispute.amount).with_vat_words()}: {dispute_reason(dispute.reason)}."


def _follow(ctx: TransactionContext, dispute: Dispute, subject: str) -> bool:
    answered = dispute.state is DisputeState.ANSWERED
    return follow_case(
        ctx, CaseKind.DISPUTE, subject, _what(dispute), act_by=dispute.answer_by, waits_for_bank=answered
    )


def _open(ctx: TransactionContext, dispute: Dispute, subject: str) -> bool:
    answered = dispute.state is DisputeState.ANSWERED
    return open_case(
        ctx,
        CaseKind.DISPUTE,
        subject,
        _what(dispute),
        reader_id=dispute.reader_id,
        facts={"payment": dispute.payment_id, "dispute at the acquirer": dispute.gateway_ref},
        link=f"/staff/readers/{dispute.reader_id}/disputes/{dispute.id}",
        act_by=None if answered else dispute.answer_by,
        waits_since=ctx.at if answered else None,
    )
