"""The timeline's entries about money: charges with the acquirer's evidence, refunds with their credit notes, disputes."""

from sqlmodel import Session, col, select

from billing.acquirer.balance_port import DisputeState
from billing.acquirer.reason_words import dispute_reason, refund_failure
from billing.payments import numbers, refunds_owed
from billing.payments.corrections import InvoiceCorrection
from billing.payments.dispute_models import Dispute
from billing.payments.models import Attempt, AttemptState, Invoice, Payment, PaymentMethod
from billing.payments.refund_models import Refund, RefundState
from billing.rules.dunning import DeclineKind
from billing.rules.money import Money
from billing.staff.entry import Entry, EntryKind, newest, present
from emails.card_schemes import scheme_name

_ATTEMPT_WORDS = {
    AttemptState.OPEN: "Charge under way",
    AttemptState.CHARGED: "Charged",
    AttemptState.DECLINED: "Declined",
    AttemptState.NOT_SENT: "Charge withdrawn before it was made",
}

_MEANS = {
    DeclineKind.SOFT: "the card may pay later",
    DeclineKind.HARD: "only another card can pay",
    DeclineKind.STOP_ORDER: "the reader has told the bank to stop",
    DeclineKind.NEEDS_READER: "the reader must confirm at the bank",
    DeclineKind.UNKNOWN: "nobody knows: it is tried once more",
}


def attempts(session: Session, reader_id: str, most: int) -> list[Entry]:
    """Attempts to charge, newest first."""
    rows = session.exec(
        select(Attempt, Invoice, PaymentMethod, Payment)
        .join(Invoice, col(Invoice.id) == Attempt.invoice_id)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .join(Payment, col(Payment.attempt_id) == Attempt.id, isouter=True)
        .where(Invoice.reader_id == reader_id)
        .order_by(col(Attempt.intended_at).desc(), col(Attempt.id).desc())
        .limit(most)
    )
    return [
        Entry(
            at=attempt.settled_at or attempt.intended_at,
            kind=EntryKind.CHARGE,
            what=f"{_ATTEMPT_WORDS[attempt.state]}: {Money(attempt.amount).with_vat_words()}",
            ref=attempt.id,
            by="by the reader" if attempt.by_reader else "",
            facts=_evidence(attempt, invoice, card, payment),
        )
        for attempt, invoice, card, payment in rows
    ]


def _evidence(
    attempt: Attempt, invoice: Invoice, card: PaymentMethod, payment: Payment | None
) -> tuple[tuple[str, str], ...]:
    facts = present(
        ("tax invoice", numbers.invoice_number(invoice.number) if invoice.number else "none yet"),
        ("period", f"{invoice.period_number}, {invoice.period_start_on} to {invoice.period_end_on}"),
        ("attempt", str(attempt.ordinal)),
        ("card", f"{scheme_name(card.brand)} ending in {card.last4}"),
        ("payment", payment.id if payment else None),
        ("payment intent", attempt.intent_ref),
        ("the bank's answer means", _MEANS[attempt.decline_kind] if attempt.decline_kind else None),
        ("decline code", attempt.decline_code),
        ("advice code", attempt.decline_advice),
        ("network advice code", attempt.network_advice_code),
        ("network decline code", attempt.network_decline_code),
        ("said to the reader", attempt.decline_message),
        ("charge", payment.charge_ref if payment else None),
        ("network transaction id", payment.network_transaction_id if payment else None),
    )
    if attempt.state is AttemptState.CHARGED:  # the doubts of an attempt that charged are over
        return facts
    return facts + present(
        ("unknown", attempt.doubt),
        ("key unusable", "yes" if attempt.key_unusable else None),
        ("not listed since", attempt.unlisted_since.isoformat() if attempt.unlisted_since else None),
        ("refused by the acquirer", attempt.not_taken_reason),
        ("waited for staff", "yes" if attempt.had_case else None),
    )


_RETURNED = {
    RefundState.INTENDED: "on its way back",
    RefundState.PENDING: "on its way back, the bank has yet to agree",
    RefundState.SUCCEEDED: "went back",
    RefundState.FAILED: "did not go back",
}


def _returned(session: Session, refund: Refund) -> str:
    if refund.undone_at is not None:
        return "was undone by staff before it left"
    if refund.paid_back_by_card:
        return "did not go back at first, and went to the card by another refund"
    if refund.paid_back_at is not None:
        return "did not go back to the card, and was paid by bank transfer"
    if refund.awaiting_balance_since is not None:
        return "waits until our balance at the acquirer is enough, and is tried each day"
    if refund.bounced_at is None:
        return _RETURNED[refund.state]
    is_owed = refund in refunds_owed.of_payment(session, session.get_one(Payment, refund.payment_id))
    after = "is owed" if is_owed else "the reader's bank has the money"
    return f"bounced after it went back, and {after}"


def refunds(session: Session, reader_id: str, most: int) -> list[Entry]:
    """Money given back, newest first; and tax invoices credited because another took their place."""
    rows = session.exec(
        select(Refund)
        .where(Refund.reader_id == reader_id)
        .order_by(col(Refund.created_at).desc(), col(Refund.id).desc())
        .limit(most)
    )
    return _corrections(session, reader_id, most) + [
        Entry(
            at=row.settled_at or row.created_at,
            kind=EntryKind.REFUND,
            what=f"{Money(row.amount).with_vat_words()} {_returned(session, row)}",
            ref=row.id,
            by=row.by,
            reason=row.reason,
            facts=present(
                (
                    "credit note",
                    numbers.credit_note_number(number) if (number := row.credit_note_number) else None,
                ),
                ("payment", row.payment_id),
                ("refund at the acquirer", row.gateway_ref),
                ("failure", refund_failure(row.failure)),
                ("paid by" if row.paid_back_by_card else "bank transfer", row.paid_back_ref),
            ),
        )
        for row in rows
    ]


def _corrections(session: Session, reader_id: str, most: int) -> list[Entry]:
    return [
        Entry(
            at=row.made_at,
            kind=EntryKind.REFUND,
            what=f"Tax invoice {numbers.invoice_number(row.replaced_number)} replaced by {numbers.invoice_number(row.number)}:"
            " no money moved",
            ref=row.id,
            by=row.by,
            reason=row.reason,
            facts=(("credit note", numbers.credit_note_number(row.credit_note_number)),),
        )
        for row in newest(session, InvoiceCorrection, reader_id, most)
    ]


_STANDS = {
    DisputeState.NEEDS_ANSWER: "the bank waits for our answer",
    DisputeState.ANSWERED: "answered, the bank decides",
    DisputeState.WON: "won, the money is ours",
    DisputeState.LOST: "lost, the bank keeps the money",
    DisputeState.CLOSED: "closed, nothing was taken",
}


def disputes(session: Session, reader_id: str, most: int) -> list[Entry]:
    """Charges that a bank questions, newest first."""
    return [
        Entry(
            at=row.decided_at or row.seen_at,
            kind=EntryKind.DISPUTE,
            what=f"{in_words(row)}: {_STANDS[row.state]}",
            ref=row.id,
            by="the reader's bank",
            reason=dispute_reason(row.reason),
            facts=(("payment", row.payment_id), ("dispute at the acquirer", row.gateway_ref)),
        )
        for row in newest(session, Dispute, reader_id, most)
    ]


def in_words(dispute: Dispute) -> str:
    """What a bank does about a charge, with the amount."""
    asks = "Inquiry about" if dispute.inquiry else "Dispute over"
    return f"{asks} {Money(dispute.amount).with_vat_words()}"


def stands(dispute: Dispute) -> str:
    """How far it has come, in words."""
    return _STANDS[dispute.state]
