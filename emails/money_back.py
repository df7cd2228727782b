"""The mails about money that did not go back to the card, and how it is paid instead. One dataclass each, as in `messages`."""

from dataclasses import dataclass
from typing import ClassVar

from emails.fields import Cents, Day, Message, Url


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


MONEY_BACK: tuple[type[Message], ...] = (RefundFailed, PaidBack)
