"""The port to an acquirer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from billing.acquirer.answers import (
    CardGone,
    CardPage,
    ChargeClaim,
    ChargeRequest,
    CustomerGone,
    Declined,
    NeverArrived,
    NoSuchObject,
    Outcome,
    PayPageAnswer,
    PayPageRequest,
    RefundAnswer,
    RefundOutcome,
    RefundRequest,
    SavedCard,
    SentBefore,
    SetupAnswer,
    Unknown,
)
from billing.acquirer.balance_port import Books
from billing.acquirer.capabilities import Capabilities
from billing.acquirer.signals import Notification


class Gateway(Protocol):
    """What we ask of an acquirer. Every call that changes something carries a key that makes it happen once."""

    name: str
    """In addresses and in the database: short, and never changed."""
    display_name: str
    """For people."""
    capabilities: Capabilities
    page_origin: str
    """Where its hosted pages are, for our content policy."""

    @property
    def books(self) -> Books:
        """Its own books, and what banks do about charges."""
        ...

    def create_customer(self, *, reader_id: str, email: str, key: str) -> str | Unknown:
        """Make the payer known; the acquirer's reference for it."""
        ...

    def open_card_page(
        self,
        *,
        setup_id: str,
        subscription_id: str | None,
        customer_ref: str,
        words: str,
        success_url: str,
        cancel_url: str,
        expires_at: datetime,
        key: str,
    ) -> CardPage | CustomerGone | Unknown:
        """Open a hosted page that saves a card for later charges, of a subscription where there is one; `words` stand beside
        the button."""
        ...

    def fetch_setup(self, session_ref: str) -> SetupAnswer | NoSuchObject:
        """How the card page stands."""
        ...

    def save_card(
        self, *, customer_ref: str, method_ref: str, key: str
    ) -> SavedCard | Declined | CustomerGone | Unknown:
        """Save a card which an app has collected itself."""
        ...

    def fetch_card(self, method_ref: str) -> SavedCard | CardGone | NoSuchObject | Unknown:
        """The card as the networks know it now."""
        ...

    def fetch_customer(self, customer_ref: str) -> CustomerGone | Unknown | None:
        """Whether the customer is gone; None where it isn't."""
        ...

    def charge(self, request: ChargeRequest) -> Outcome:
        """Charge a saved card, the reader not being there."""
        ...

    def find_charge(self, request: ChargeRequest) -> Outcome | NeverArrived:
        """What became of a charge whose answer we never got, by listing."""
        ...

    def find_or_charge(
        self, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
    ) -> Outcome | NeverArrived:
        """What became of a charge that may have been sent before; or, where it never arrived and may still be sent, send it.

        `Unknown` says what to keep until the next call. After `NeverArrived` it wasn't made, and can't be any more."""
        ...

    def fetch_charge(self, intent_ref: str) -> tuple[ChargeClaim | None, Outcome | NoSuchObject]:
        """What a charge that the acquirer told us about is for, and its outcome. No claim, and `NotTaken`, where it isn't this
        installation's."""
        ...

    def open_pay_page(self, request: PayPageRequest) -> CardPage | CustomerGone | Unknown:
        """Open the page on which a reader pays one invoice in person."""
        ...

    def fetch_pay_page(self, session_ref: str) -> PayPageAnswer | NoSuchObject:
        """What has become of that page."""
        ...

    def close_pay_page(self, session_ref: str) -> PayPageAnswer:
        """Close it unless it has been paid; after `PageClosed` no money can come from it. One that isn't there is closed."""
        ...

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Return money of a charge."""
        ...

    def find_refund(self, *, refund_id: str, intent_ref: str) -> RefundAnswer | NeverArrived | Unknown:
        """What became of a refund whose answer we never got, by listing."""
        ...

    def find_or_refund(
        self, request: RefundRequest, before: SentBefore, at: datetime
    ) -> RefundOutcome | NeverArrived:
        """As `find_or_charge`. After `NeverArrived` it may be sent under another key."""
        ...

    def fetch_refund(self, refund_ref: str) -> tuple[str | None, RefundAnswer | NoSuchObject | Unknown]:
        """Our refund's id and its state."""
        ...

    def answers(self) -> Unknown | None:
        """Whether the acquirer answers at all; None when it does. Changes nothing there."""
        ...

    def verify(self, body: bytes, headers: Mapping[str, str], at: datetime) -> Notification:
        """Check who sent a webhook, and read what it signals. Raises ForgedWebhook, NotAnEvent, OtherMode."""
        ...
