"""The port to an acquirer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from billing.acquirer.account_port import AcquirerAccount
from billing.acquirer.answers import (
    CardGone,
    CardPage,
    CardPageRequest,
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
    """An acquirer. Every call that changes something carries a key that makes it happen once."""

    name: str
    """In URLs and in the database: short, and never changed."""
    display_name: str
    """For people."""
    capabilities: Capabilities
    page_origin: str
    """The origin of its hosted pages, for our content policy."""

    @property
    def books(self) -> Books:
        """Its books, and disputes."""

    @property
    def account(self) -> AcquirerAccount:
        """Our account there, for operators."""

    def create_customer(self, *, reader_id: str, email: str, key: str) -> str | Unknown:
        """Create a customer; its reference."""

    def open_card_page(self, request: CardPageRequest) -> CardPage | CustomerGone | Unknown:
        """Open a hosted page that saves a card."""

    def fetch_setup(self, session_ref: str) -> SetupAnswer | NoSuchObject:
        """The state of a card page, with the saved card."""

    def save_card(
        self, *, customer_ref: str, method_ref: str, key: str
    ) -> SavedCard | Declined | CustomerGone | Unknown:
        """Save a card that an app has collected itself."""

    def fetch_card(self, method_ref: str) -> SavedCard | CardGone | NoSuchObject | Unknown:
        """The card as the networks know it now."""

    def fetch_customer(self, customer_ref: str) -> CustomerGone | Unknown | None:
        """Whether the customer is gone; None where it isn't."""

    def update_customer(self, customer_ref: str, *, email: str, key: str) -> CustomerGone | Unknown | None:
        """Give the customer another address; None once it has it."""

    def delete_customer(self, customer_ref: str) -> CustomerGone | Unknown:
        """Delete the customer with all its cards, for good; one that is gone already stays so. Payments keep their records there."""

    def charge(self, request: ChargeRequest) -> Outcome:
        """Charge a saved card without its reader."""

    def find_charge(self, request: ChargeRequest) -> Outcome | NeverArrived:
        """Look up a charge whose answer we never got, by listing."""

    def find_or_charge(
        self, request: ChargeRequest, before: SentBefore, at: datetime, *, may_send: bool
    ) -> Outcome | NeverArrived:
        """What became of a charge that may have been sent before; or, where it never arrived and may still be sent, send it.

        `Unknown` says what to keep until the next call. After `NeverArrived` it wasn't made, and can't be any more."""

    def fetch_charge(self, intent_ref: str) -> tuple[ChargeClaim | None, Outcome | NoSuchObject]:
        """A charge named by a webhook: what it is for, and its outcome. No claim, and `NotTaken`, where it isn't this
        installation's."""

    def open_pay_page(self, request: PayPageRequest) -> CardPage | CustomerGone | Unknown:
        """Open a hosted page on which a reader pays one invoice."""

    def fetch_pay_page(self, session_ref: str) -> PayPageAnswer | NoSuchObject:
        """The state of that page."""

    def close_pay_page(self, session_ref: str) -> PayPageAnswer:
        """Close it unless it has been paid. After `PageClosed` no money can come from it. A missing page is closed."""

    def refund(self, request: RefundRequest) -> RefundOutcome:
        """Return money of a charge."""

    def find_refund(self, *, refund_id: str, intent_ref: str) -> RefundAnswer | NeverArrived | Unknown:
        """Look up a refund whose answer we never got, by listing."""

    def find_or_refund(
        self, request: RefundRequest, before: SentBefore, at: datetime
    ) -> RefundOutcome | NeverArrived:
        """As `find_or_charge`. After `NeverArrived` it may be sent under another key."""

    def fetch_refund(self, refund_ref: str) -> tuple[str | None, RefundAnswer | NoSuchObject | Unknown]:
        """A refund's state, and the id of ours that it names."""

    def answers(self) -> Unknown | None:
        """Whether the acquirer answers at all; None when it does. A call without effect there."""

    def verify(self, body: bytes, headers: Mapping[str, str], at: datetime) -> Notification:
        """Verify the sender of a webhook, and read its signal. Raises ForgedWebhook, NotAnEvent, OtherMode."""
