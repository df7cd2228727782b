"""The other half of the port to an acquirer: its books, and disputes. Read only, apart from evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from billing.acquirer.answers import ChargeClaim, Charged, NoSuchObject, RefundAnswer, SavedCard, Unknown
from billing.acquirer.evidence_port import FileRefs, Texts


class DisputeState(StrEnum):
    """The stage of a dispute."""

    NEEDS_ANSWER = "needs_answer"
    ANSWERED = "answered"
    """The bank has our evidence, and decides."""
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"
    """An inquiry that came to nothing."""


class PayoutListing(StrEnum):
    """Whether the acquirer lists what a payout pays out."""

    LISTED = "listed"
    """It does. The payout is compared with the sum of its list."""
    WAITING = "waiting"
    """It will; the list isn't finished yet."""
    NONE = "none"
    """It doesn't, as for a manual or instant payout. That is compared with what the account held at its time."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of our balance at the acquirer. Minor units (cents) of the currency it settles in; `net` is `amount` less `fee`."""

    ref: str
    category: str
    """charge, refund, refund_failure, dispute, dispute_reversal, payout, fee, …"""
    source_ref: str | None
    """The charge, refund, dispute or payout behind it."""
    amount: int
    fee: int
    net: int
    currency: str
    exchange_rate: float | None
    description: str
    at: datetime
    available_at: datetime
    presented_amount: int | None = None
    """Where it was converted: what the reader paid, got back or disputes, with the sign of `amount`."""
    presented_currency: str | None = None
    charge_ref: str | None = None
    """Where it was converted: its charge."""
    fee_vat: int = 0
    """The part of `fee` that is VAT, as far as the acquirer names it."""


@dataclass(frozen=True, slots=True)
class TakenCharge:
    """A charge at the acquirer, with what identifies its payer."""

    charge_ref: str
    intent_ref: str | None
    customer_ref: str | None
    claim: ChargeClaim | None
    amount: int
    card: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TakenRefund:
    """A refund at the acquirer, ours or another, with its charge. `our_refund_id`: the refund of ours that it names."""

    answer: RefundAnswer
    charge_ref: str
    our_refund_id: str | None
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeAnswer:
    """A dispute as it is now."""

    dispute_ref: str
    charge_ref: str
    intent_ref: str | None
    amount: int
    currency: str
    """Minor units (cents) in a currency that needn't be the charge's."""
    withdrawn: tuple[int, str] | None
    """What it has taken from our balance so far, without fees, in the settling currency; None while it has taken nothing."""
    reason: str
    state: DisputeState
    inquiry: bool
    opened_at: datetime
    answer_by: datetime | None


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """A card issuer reports a charge as fraudulent. `actionable` unless it is refunded or disputed already."""

    warning_ref: str
    charge_ref: str
    intent_ref: str | None
    actionable: bool
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PayoutAnswer:
    """Money on its way to our bank account; negative where it is taken from it. Minor units (cents) of its currency."""

    payout_ref: str
    amount: int
    currency: str
    arrives_at: datetime
    at: datetime
    listing: PayoutListing
    bank_reference: str | None = None
    """What the bank calls it, where the acquirer knows."""
    reference_is_pending: bool = False
    """Whether the acquirer may still learn it from the bank."""


@dataclass(frozen=True, slots=True)
class NotListed:
    """The acquirer doesn't list this payout, and won't."""


@dataclass(frozen=True, slots=True)
class FoundCharge:
    """A charge that succeeded, or may have, with what it is for."""

    claim: ChargeClaim
    outcome: Charged | Unknown


@dataclass(frozen=True, slots=True)
class FoundRefund:
    """A refund of this installation. Cents."""

    refund_id: str
    cause: str
    intent_ref: str
    amount: int
    answer: RefundAnswer
    at: datetime


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card that was saved for a payer of ours, with the visit and the subscription that it names."""

    card: SavedCard
    email: str | None
    setup_id: str | None
    subscription_id: str | None
    at: datetime


class Books(Protocol):
    """An acquirer's books."""

    def movements(self, since: datetime, until: datetime) -> list[Movement] | Unknown:
        """Every change of the balance from `since` until just before `until`, oldest first."""

    def movements_of(self, source_ref: str) -> list[Movement] | Unknown:
        """The movements of one charge, refund or dispute."""

    def movements_in(self, payout_ref: str) -> list[Movement] | NotListed | Unknown:
        """The movements that a payout pays out, itself included."""

    def charge(self, charge_ref: str) -> TakenCharge | NoSuchObject | Unknown:
        """A charge, to identify its payer."""

    def refund(self, refund_ref: str) -> TakenRefund | NoSuchObject | Unknown:
        """A refund, to identify its charge."""

    def dispute(self, dispute_ref: str) -> DisputeAnswer | NoSuchObject | Unknown:
        """A dispute."""

    def disputes_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """Disputes opened from `since` until just before `until`, inquiries too, oldest first."""

    def upload_evidence(self, name: str, pdf: bytes) -> str | Unknown:
        """Upload a document for an answer, and return its reference. Nothing goes to the bank yet."""

    def send_evidence(
        self, dispute_ref: str, texts: Texts, files: FileRefs, *, key: str
    ) -> DisputeAnswer | NoSuchObject | Unknown:
        """Answer a dispute, once: texts and uploaded documents go to the bank."""

    def warning(self, warning_ref: str) -> FraudWarning | NoSuchObject | Unknown:
        """An early fraud warning."""

    def warnings_since(self, since: datetime, until: datetime) -> list[str] | Unknown:
        """Early fraud warnings from `since` until just before `until`, oldest first."""

    def charges_since(self, since: datetime, until: datetime) -> list[FoundCharge] | Unknown:
        """Charges of this installation from `since` until just before `until`, oldest first, without refused ones."""

    def refunds_since(self, since: datetime, until: datetime) -> list[FoundRefund] | Unknown:
        """Refunds of this installation, likewise."""

    def cards_since(self, since: datetime, until: datetime) -> list[FoundCard] | Unknown:
        """Cards that were saved for payers of this installation, likewise."""

    def payout(self, payout_ref: str) -> PayoutAnswer | NoSuchObject | Unknown:
        """A payout."""
