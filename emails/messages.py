"""Every mail this house sends about a subscription, one dataclass each. `kind` names its template.

Money is in cents and includes VAT unless the field says `net` or `vat`; days are civil dates of the publisher's zone.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from emails.choices import CHOICES
from emails.documents import TaxInvoice, adds_up
from emails.fields import Cents, Code, Day, Document, Message, Url, Words, hints
from emails.money_back import MONEY_BACK, WithMoneyBack
from emails.to_staff import TO_STAFF


@dataclass(frozen=True)
class SignInLink(Message):
    """A link, and a code for the browser that asked; both work once, for `minutes`. `starts`: a card was given there, to start a
    subscription with this address, which is to be proved first."""

    kind: ClassVar[str] = "sign_in_link"
    url: Url
    code: Code
    minutes: int
    starts: bool = False


@dataclass(frozen=True)
class TrialStarted(Message):
    """Confirms the trial and its terms at once (CARD-3). `trial_ends_on` is the last free day, `after` what follows the first charge."""

    kind: ClassVar[str] = "trial_started"
    amount: Cents
    started_on: Day
    trial_ends_on: Day
    first_charge_on: Day
    card_brand: str
    card_last4: str
    after: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class TrialNotice(Message):
    """Announces the first charge, twice (CARD-4). Without both there is no charge."""

    kind: ClassVar[str] = "trial_notice"
    which: Literal["first", "second"]
    amount: Cents
    charge_on: Day
    card_brand: str
    card_last4: str
    after: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class Receipt(Message):
    """The receipt of a charge, which is the abridged tax invoice too (CARD-6, VAT-5).

    `period_to` is the period's last day; `vat_percent` is the rate in words, such as "15"; a second sending
    says `is_copy` (VAT-7); `next_charge_on` is None where none will follow. `again`: it is written again after a restore from a
    backup, perhaps under another number.
    """

    kind: ClassVar[str] = "receipt"
    number: str
    issued_on: Day
    description: str
    period_from: Day
    period_to: Day
    net: Cents
    vat: Cents
    gross: Cents
    vat_percent: str
    card_brand: str
    card_last4: str
    is_copy: bool
    next_charge_on: Day | None
    cancel_url: Url
    account_url: Url
    again: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        adds_up(self.kind, self.net, self.vat, self.gross)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The tax invoice."""
        return (TaxInvoice(**{name: getattr(self, name) for name in hints(TaxInvoice)}),)


@dataclass(frozen=True)
class PaymentFailed(Message):
    """A charge was declined. Never titled an invoice (VAT-11), never says why the bank refused (RET-5).

    `retry_on` is the day of the next attempt, None where only the reader can help; `confirm`: the bank wants the reader to
    confirm the payment (3DS-2); `reading_until` is the last day of reading without a payment. `bank_asked` is False where the
    card has been refused so often, for whatever, that its bank wasn't asked (RET-6); `card_gone`: nor was it, because the card
    is stored no more.
    """

    kind: ClassVar[str] = "payment_failed"
    amount: Cents
    card_brand: str
    card_last4: str
    retry_on: Day | None
    confirm: bool
    reading_until: Day
    pay_url: Url
    card_url: Url
    cancel_url: Url
    bank_asked: bool = True
    card_gone: bool = False


@dataclass(frozen=True)
class CardExpiring(Message):
    """The card's last day, `expires_on`, comes before the next charge."""

    kind: ClassVar[str] = "card_expiring"
    card_brand: str
    card_last4: str
    expires_on: Day
    amount: Cents
    charge_on: Day
    card_url: Url
    cancel_url: Url


@dataclass(frozen=True)
class CardChanged(Message):
    """Another card was given, at the moment `at_text`; it is charged from now on."""

    kind: ClassVar[str] = "card_changed"
    at_text: str
    card_brand: str
    card_last4: str
    account_url: Url
    cancel_url: Url


@dataclass(frozen=True)
class CardRemoved(Message):
    """The card can't be charged any more, because it is stored no more; the next charge is on `charge_on`."""

    kind: ClassVar[str] = "card_removed"
    card_brand: str
    card_last4: str
    amount: Cents
    charge_on: Day
    card_url: Url
    cancel_url: Url


@dataclass(frozen=True)
class Cancelled(WithMoneyBack):
    """Confirms a cancellation, with all that goes back because of it. `access_until` is the last day of reading, None where reading stopped at once."""

    kind: ClassVar[str] = "cancelled"
    access_until: Day | None
    ever_charged: bool
    undo_url: Url | None
    offer_url: Url


@dataclass(frozen=True)
class Disputed(Message):
    """A bank disputes a charge, or calls it fraudulent, so renewals have stopped. Blames nobody: it may be a mistake.

    `access_until` is the last day of reading, None where reading stopped at once. `taken_back`: the bank has decided, and the
    money went back.
    """

    kind: ClassVar[str] = "disputed"
    access_until: Day | None
    account_url: Url
    taken_back: bool = False


@dataclass(frozen=True)
class Resumed(Message):
    """Confirms that a cancellation was undone."""

    kind: ClassVar[str] = "resumed"
    next_charge_on: Day
    amount: Cents
    after: str
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class Ended(Message):
    """The subscription is over; `last_day` was the last day of reading."""

    kind: ClassVar[str] = "ended"
    last_day: Day
    offer_url: Url


@dataclass(frozen=True)
class SignedInElsewhere(Message):
    """A device that we had not seen signed in. `at_text` is the moment in the reader's words."""

    kind: ClassVar[str] = "signed_in_elsewhere"
    at_text: str
    device: str
    account_url: Url


@dataclass(frozen=True)
class AddressChanged(Message):
    """To the address that was the reader's until the moment `at_text`. The new one isn't named: others may read this."""

    kind: ClassVar[str] = "address_changed"
    at_text: str


@dataclass(frozen=True)
class ConfirmSignup(Message):
    """Asks whether this address wants the newsletters that were ticked for it; says nothing else (double opt-in).

    `newsletters` names them in words; the link is good for `days`.
    """

    kind: ClassVar[str] = "confirm_signup"
    newsletters: str
    url: Url
    days: int


@dataclass(frozen=True)
class RequestAnswered(Message):
    """Staff's answer to what a reader asked by the form on `asked_on`."""

    kind: ClassVar[str] = "request_answered"
    asked_on: Day
    question: str
    answer: Words
    account_url: Url


@dataclass(frozen=True)
class CancelRequested(Message):
    """A form that anybody can send asked, with this address, to cancel. `asked_text` is when; `charge_on` is the day of the next
    charge, of `amount`; None where none is planned."""

    kind: ClassVar[str] = "cancel_requested"
    asked_text: str
    amount: Cents
    charge_on: Day | None
    cancel_url: Url
    account_url: Url


@dataclass(frozen=True)
class ConfirmRequest(Message):
    """Staff ask whether a request to cancel, which came by form with this address at `asked_text`, is its reader's. `question` is
    what was written, or empty; the link is good for `days`."""

    kind: ClassVar[str] = "confirm_request"
    asked_text: str
    question: str
    confirm_url: Url
    account_url: Url
    days: int


@dataclass(frozen=True)
class ChargeHeld(Message):
    """A charge was put off to `charge_on` because a request to cancel, which came by form at `asked_text`, isn't answered yet."""

    kind: ClassVar[str] = "charge_held"
    asked_text: str
    amount: Cents
    charge_on: Day
    cancel_url: Url
    account_url: Url


MESSAGES: tuple[type[Message], ...] = (
    SignInLink,
    TrialStarted,
    TrialNotice,
    Receipt,
    PaymentFailed,
    CardExpiring,
    CardRemoved,
    CardChanged,
    Cancelled,
    Disputed,
    Resumed,
    Ended,
    SignedInElsewhere,
    AddressChanged,
    RequestAnswered,
    CancelRequested,
    ConfirmRequest,
    ChargeHeld,
    ConfirmSignup,
    *CHOICES,
    *MONEY_BACK,
    *TO_STAFF,
)
