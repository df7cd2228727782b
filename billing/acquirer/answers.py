"""Requests to an acquirer and its answers, as values. A decline is an answer and no exception; so is not knowing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.acquirer.decline import Decline


@dataclass(frozen=True, slots=True)
class SavedCard:
    """A card in the acquirer's vault, ready to be charged without the reader present."""

    customer_ref: str
    method_ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None
    """Equal for the same card number, whichever reader saves it. None where the acquirer gives none, as for some wallets."""


@dataclass(frozen=True, slots=True)
class CardGone:
    """The card has left the acquirer's vault for good: it, or its customer, was removed there."""


@dataclass(frozen=True, slots=True)
class CustomerGone:
    """The acquirer doesn't know this customer any more. Make another."""


@dataclass(frozen=True, slots=True)
class Charged:
    """The money was taken."""

    intent_ref: str
    charge_ref: str
    amount: int
    """Cents."""
    network_transaction_id: str | None
    at: datetime
    card: SavedCard | None = None
    """The card that paid, where it is kept for later charges."""
    method_ref: str | None = None
    """The acquirer's reference of the card that paid."""
    customer_ref: str | None = None
    returned: int = 0
    """Cents of it that have gone back."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The card was declined. Final for its key: another try needs another key."""

    decline: Decline
    intent_ref: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The outcome is unknown: no answer, a cut answer, a server error. Look it up before sending it again."""

    reason: str
    down: bool = False
    """Whether the acquirer is away: no connection, no whole answer, an error of its own, our API key not known."""
    key_unusable: bool = False
    """Whether the acquirer repeats this answer for the same key, so that another try needs another (STR-5)."""
    busy: bool = False
    """Whether we are too fast: it didn't look at the request."""
    wait: timedelta | None = None
    """How long to wait before the next call, where that is known."""
    unlisted_since: datetime | None = None
    """Since when the acquirer doesn't list it, where nothing was sent now. Its lists may lag, so one look is not enough."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The acquirer refuses the request itself: no bank was asked, nothing was taken.

    The fault is ours, the account's, or unknown to us; never the card's or the reader's."""

    reason: str
    again: bool = False
    """Whether this was known before and nothing was sent now: the attempt waits for staff."""


@dataclass(frozen=True, slots=True)
class NeverArrived:
    """The acquirer doesn't list it (see `rules.absence`)."""


@dataclass(frozen=True, slots=True)
class NoSuchObject:
    """The acquirer has no such object, or none that we may see: it was removed, or is another account's. For minutes it may deny
    an object that it has."""

    reason: str


@dataclass(frozen=True, slots=True)
class SentBefore:
    """What is kept between processes about a request that may have been sent before."""

    keyed_at: datetime
    """Since when it has its key."""
    key_unusable: bool
    """Whether an `Unknown` since then said so."""
    unlisted_since: datetime | None
    """As the last `Unknown` said; None where it may have been sent since."""


Outcome = Charged | Declined | NotTaken | Unknown


@dataclass(frozen=True, slots=True)
class ChargeClaim:
    """What a charge is for, as written on it at the acquirer. It identifies the attempt, and the period of the subscription also
    where the attempt's row is lost. What is written there can be edited, so it may say less."""

    attempt_id: str
    invoice_id: str
    subscription_id: str = ""
    period_number: int = 0
    rung: int = 0

    @property
    def whole(self) -> bool:
        """Whether it names a period of a subscription."""
        return bool(self.subscription_id and self.period_number and self.rung)


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Everything needed to charge a saved card once."""

    claim: ChargeClaim
    idempotency_key: str
    customer_ref: str
    method_ref: str
    amount: int
    currency: str
    descriptor_suffix: str | None
    """Added to the account's name on the statement: the first charge after a trial says so (CARD-9)."""
    intended_at: datetime


@dataclass(frozen=True, slots=True)
class CardPage:
    """A hosted page on which the reader types the card's details."""

    session_ref: str
    url: str


@dataclass(frozen=True, slots=True)
class CardPageRequest:
    """Everything needed to open a hosted page that saves a card for later charges."""

    setup_id: str
    subscription_id: str | None
    """The subscription that the card is for, where there is one."""
    customer_ref: str
    words: str
    """Beside the button."""
    success_url: str
    cancel_url: str
    expires_at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class SetupOpen:
    """The reader hasn't finished the card page."""


@dataclass(frozen=True, slots=True)
class SetupExpired:
    """The card page is closed, and no card is saved."""


@dataclass(frozen=True, slots=True)
class PayPageRequest:
    """Everything needed to open a hosted page on which the reader pays one invoice, and which keeps the card."""

    claim: ChargeClaim
    idempotency_key: str
    customer_ref: str
    amount: int
    """Cents, VAT included."""
    currency: str
    what: str
    """The item, as the page names it."""
    words: str
    """Beside the button: what the card will be used for."""
    descriptor_suffix: str | None
    success_url: str
    cancel_url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PageOpen:
    """The reader may still pay, at this address."""

    url: str


@dataclass(frozen=True, slots=True)
class PageClosed:
    """Nothing was paid on the page, and nothing can be any more."""


PayPageAnswer = Charged | PageOpen | PageClosed | Unknown
SetupAnswer = SavedCard | SetupOpen | SetupExpired | Unknown


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Everything needed to return `amount` cents of a charge once. The refund's id and its cause are written on it."""

    refund_id: str
    cause: str
    intent_ref: str
    amount: int
    key: str


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """A refund at the acquirer: `pending`, `succeeded` or `failed`."""

    refund_ref: str
    state: str
    failure: str | None
    insufficient_balance: bool = False
    """Whether it is pending, or has failed, because our balance there is too low."""
    may_succeed_again: bool = False
    """Whether another refund may succeed after this one failed. False where the card can't take money any more."""
    disputed: bool = False
    """Whether it failed because the reader's bank took the charge back."""


@dataclass(frozen=True, slots=True)
class MadeRefund:
    """A refund that the acquirer has made of a charge, ours or another. Cents. `refund_id`: the refund of ours that it names."""

    refund_ref: str
    refund_id: str | None
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundRefused:
    """The acquirer won't return this money. `not_owed`: another refund has returned it. `disputed`: the reader's bank has taken
    the charge back."""

    reason: str
    not_owed: bool = False
    disputed: bool = False
    made: tuple[MadeRefund, ...] = ()
    """Where the request exceeds what is left of the charge: the refunds made of it."""


@dataclass(frozen=True, slots=True)
class InsufficientBalance:
    """Our balance at the acquirer is too low, so it made no refund. Another request, under another key, may succeed."""

    reason: str


RefundOutcome = RefundAnswer | RefundRefused | InsufficientBalance | Unknown
