"""The mails about money that goes back: its documents; that it did not reach the card; how it was paid instead. One dataclass each,
as in `messages`."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from emails.documents import CreditNote, TaxInvoice
from emails.fields import Cents, Day, Document, Facts, Message, Url


@dataclass(frozen=True)
class GoesBack(Facts):
    """What is returned of one charge, and how far that has come; `before`: somebody had returned it already. `credit_note_number` is
    None until it has gone."""

    kind: ClassVar[str] = "goes_back"
    amount: Cents
    charged_on: Day
    card_brand: str
    card_last4: str
    state: Literal["under_way", "gone", "failed", "before"]
    credit_note_number: str | None


@dataclass(frozen=True)
class WithMoneyBack(Message):
    """A mail that says what goes back, and carries the documents for it: one mail, however many charges."""

    returns: tuple[GoesBack, ...] = field(default=(), kw_only=True)
    invoices: tuple[TaxInvoice, ...] = field(default=(), kw_only=True)
    """Of charges that no receipt was sent for, because they went back at once."""
    notes: tuple[CreditNote, ...] = field(default=(), kw_only=True)

    @property
    def documents(self) -> tuple[Document, ...]:
        """Tax invoices before the credit notes that take them back."""
        return (*self.invoices, *self.notes)


@dataclass(frozen=True)
class Refunded(WithMoneyBack):
    """Money goes back, or has gone: for a charge that raced a cancellation, or because staff or a program gave it back.
    `again`: as of a receipt."""

    kind: ClassVar[str] = "refunded"
    reason: str
    again: bool = False


@dataclass(frozen=True)
class RefundFailed(Message):
    """A refund came back, or was refused for good: the reader is owed it, and asked for a bank account (STR-13).

    `charged_on` is the day of the charge. `credit_note_number` is None where the credit note comes with the transfer.
    """

    kind: ClassVar[str] = "refund_failed"
    amount: Cents
    charged_on: Day
    card_brand: str
    card_last4: str
    credit_note_number: str | None
    contact_url: Url


@dataclass(frozen=True)
class PaidBack(Message):
    """What a refund that came back had left owing was paid: by bank transfer, or `by_card` with another refund. Its credit note has
    been sent. `reference` is the bank's or the acquirer's."""

    kind: ClassVar[str] = "paid_back"
    amount: Cents
    paid_on: Day
    reference: str
    credit_note_number: str
    account_url: Url
    by_card: bool = False


MONEY_BACK: tuple[type[Message], ...] = (Refunded, RefundFailed, PaidBack)
