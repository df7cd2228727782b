"""The mails about a refund: its credit note, that it failed, that a transfer or another refund paid it after all."""

from dataclasses import dataclass
from datetime import date

from billing.mail import outbox
from billing.notices.returned_charges import (
    SAMPLE_FAILED,
    SAMPLE_UNDER_WAY,
    MailWithRefunds,
    amend,
    attach_refunds,
    card_that_paid,
    pending_with,
)
from billing.notices.send import send
from billing.payments import numbers, refund_reasons
from billing.payments.models import Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from emails import ALWAYS, Cents, Day, Mail, Url
from emails.languages import Text, named

_RACED = {
    "reason": named("refund reason", "You cancelled before this charge was made, so it is returned in full.")
}
_OTHER_CARD = {"card_brand": "mastercard", "card_last4": "4444"}


@dataclass(frozen=True)
class RefundedMail(MailWithRefunds, true_while=ALWAYS, to_correspondent=True):
    """Money goes back, or has gone: for a charge that raced a cancellation, or because staff or a program gave it back.
    `again`: as of a receipt."""

    samples = {
        "": {"returns": [{}], "notes": [{"issued_on": "2026-03-20"}]},
        "again": {"again": True, "returns": [{}], "notes": [{}]},
        "by-transfer": {"returns": [{}], "notes": [{"transfer": "EFT 2026/118"}]},
        "with-invoice": _RACED | {"returns": [{}], "invoices": [{}], "notes": [{}]},
        "later": _RACED | {"returns": [SAMPLE_UNDER_WAY], "invoices": [{}]},
        "two-cards": {"returns": [{}, _OTHER_CARD], "notes": [{}, _OTHER_CARD]},
        "not-taken": _RACED | {"returns": [SAMPLE_FAILED], "invoices": [{}]},
    }
    reason: Text
    again: bool = False


def late_charge_returned(ctx: TransactionContext, payment: Payment, refund: Refund) -> None:
    """A charge went through that was no longer wanted: its tax invoice and its credit note, in one mail."""
    key = f"returned:{payment.id}"
    send(ctx, refund, RefundedMail(refund_reasons.in_words(refund.reason)), key)
    attach_refunds(ctx, key, [refund])


def refund_settled(ctx: TransactionContext, refund: Refund, *, again: bool = False) -> None:
    """A refund has settled. If the mail that announced it hasn't left, that mail says so. Otherwise its credit note goes out in
    another mail, with those of refunds that are about to settle. `again`: the reader may have received it before the records
    were restored."""
    message = outbox.lock_unsent(ctx.session, refund.mail_key) if refund.mail_key else None
    if message is not None:
        amend(ctx, message)
    elif refund.credit_note_number is not None:
        refund_credited(ctx, refund, again=again)


def refund_credited(ctx: TransactionContext, refund: Refund, *, again: bool = False) -> None:
    """Send its credit note (VAT-10). `again`: as of a refund that has settled."""
    key = f"refunded:{refund.id}"
    siblings = pending_with(ctx.session, refund)
    send(ctx, refund, RefundedMail(refund_reasons.in_words(refund.reason), again=again), key)
    attach_refunds(ctx, key, [refund, *siblings])


@dataclass(frozen=True)
class RefundFailedMail(
    Mail,
    true_while="EXISTS (SELECT FROM refund r WHERE r.id = m.about AND r.state = 'failed' AND r.paid_back_at IS NULL)",
    to_correspondent=True,
):
    """A refund came back, or was refused for good: the reader is owed it, and asked for a bank account (STR-13).

    `charged_on` is the day of the charge. `credit_note_number` is None where the credit note comes with the transfer."""

    samples = {"bounced": {}, "refused": {"credit_note_number": None}}
    amount: Cents
    charged_on: Day
    card_brand: str
    card_last4: str
    credit_note_number: str | None
    contact_url: Url


def refund_failed(ctx: TransactionContext, refund: Refund, payment: Payment) -> None:
    """The card didn't take it: the reader is owed it, and asked how to pay (STR-13)."""
    card, number = card_that_paid(ctx.session, payment), refund.credit_note_number
    mail = RefundFailedMail(
        amount=refund.amount,
        charged_on=ctx.site.today(payment.paid_at).isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        credit_note_number=numbers.credit_note_number(number) if number else None,
        contact_url=ctx.site.page("/contact?about=other"),
    )
    send(ctx, refund, mail, f"refund-failed:{refund.id}")


@dataclass(frozen=True)
class PaidBackMail(Mail, true_while=ALWAYS, to_correspondent=True):
    """A bounced refund was paid after all: by bank transfer, or `by_card` with another refund. Its credit note has been sent.
    `reference` is the bank's or the acquirer's."""

    samples = {"": {}, "by-card": {"reference": "R-20270316-1", "by_card": True}}
    amount: Cents
    paid_on: Day
    reference: str
    credit_note_number: str
    account_url: Url
    by_card: bool = False


def refund_paid_back(ctx: TransactionContext, refund: Refund, on: date) -> None:
    """A transfer, or another refund to the card, has paid what a bounced refund had left owing."""
    mail = PaidBackMail(
        amount=refund.amount,
        paid_on=on.isoformat(),
        reference=refund.paid_back_ref or "",
        credit_note_number=numbers.credit_note_number(refund.credit_note_number or 0),
        account_url=ctx.site.account_url,
        by_card=refund.paid_back_by_card,
    )
    send(ctx, refund, mail, f"paid-back:{refund.id}")
