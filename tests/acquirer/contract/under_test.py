"""An acquirer's gateway under test, and its sandbox, which plays readers, banks and the acquirer's staff."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from billing.acquirer.answers import (
    CardPage,
    CardPageRequest,
    ChargeClaim,
    Charged,
    ChargeRequest,
    CustomerGone,
    SavedCard,
    Unknown,
)
from billing.acquirer.port import Gateway


@dataclass(frozen=True)
class Names:
    """The acquirer's test cards, and references that it doesn't know."""

    good: str
    of_another_scheme: str
    refused_when_saved: tuple[str, ...]
    declined: str
    disputed: str
    inquired: str
    warned: str
    without_fingerprint: str
    number_confirmed_each_time: str
    number_confirmed_once: str
    no_card: str
    no_customer: str
    no_charge: str
    no_taken_charge: str
    no_page: str
    no_refund: str
    no_dispute: str
    no_warning: str
    no_payout: str


class OtherSide(Protocol):
    """A sandbox that acts on demand. Acquirers' own test modes have none, so tests that need it are skipped there."""

    def reset(self) -> None:
        """Reset everything."""
        ...

    def check(self) -> None:
        """Fail if an exchange violates the acquirer's specification."""
        ...

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        ...

    def pass_time(self, span: timedelta) -> None:
        """Hold the sandbox's clock and move it forward."""
        ...

    def fill_in(self, page: CardPage, number: str) -> None:
        """Fill in the page with this card, and confirm it if the bank requires that."""
        ...

    def remove_card(self, method_ref: str) -> None: ...

    def delete_customer(self, customer_ref: str) -> None: ...

    def require_confirmation(self, method_ref: str) -> None:
        """From now on the card's charges need the reader's confirmation."""
        ...

    def refuse_refunds(self, reason: str) -> None:
        """Refuse refunds for a reason: `no_balance`, `too_old` or `waits_for_balance`."""
        ...

    def disputes(self) -> list[str]:
        """The references of all disputes, oldest first."""
        ...

    def warnings(self) -> list[str]: ...

    def payouts(self) -> list[str]: ...

    def pay_out_manually_only(self) -> None: ...

    def pay_out(self) -> str:
        """Make a manual payout; return its reference."""
        ...


class UnderTest:
    """A gateway with fresh names for the objects it makes. Without `other` only the port's own methods can be used."""

    def __init__(self, gateway: Gateway, names: Names, other: OtherSide | None) -> None:
        self.gateway, self.names, self.other = gateway, names, other
        self.run = secrets.token_hex(6)
        self.count = 0

    def key(self) -> str:
        """A fresh idempotency key."""
        self.count += 1
        return f"contract-{self.run}-{self.count}"

    @property
    def now(self) -> datetime:
        """The acquirer's time."""
        return self.other.now if self.other else datetime.now(UTC)

    def customer(self) -> str:
        """Create a customer; return its reference."""
        customer_ref = self.gateway.create_customer(
            reader_id=f"rdr_{self.run}", email=f"{self.run}@example.com", key=self.key()
        )
        assert isinstance(customer_ref, str), customer_ref
        return customer_ref

    def card(self, method: str | None = None) -> SavedCard:
        """Save a card of a new customer: a good one, unless `method` names another."""
        saved = self.gateway.save_card(
            customer_ref=self.customer(), method_ref=method or self.names.good, key=self.key()
        )
        assert isinstance(saved, SavedCard), saved
        return saved

    def request(self, card: SavedCard, **more: object) -> ChargeRequest:
        """A request to charge R75.00; `more` replaces its fields."""
        given = {
            "claim": ChargeClaim(f"att_{self.key()}", f"inv_{self.run}", f"sub_{self.run}", 3, 2),
            "idempotency_key": self.key(),
            "customer_ref": card.customer_ref,
            "method_ref": card.method_ref,
            "amount": 7500,
            "currency": "ZAR",
            "descriptor_suffix": None,
            "intended_at": self.now,
            **more,
        }
        return ChargeRequest(**given)  # type: ignore[arg-type]

    def charged(self, card: SavedCard, request: ChargeRequest | None = None) -> Charged:
        """Make a charge that succeeds."""
        outcome = self.gateway.charge(request or self.request(card))
        assert isinstance(outcome, Charged), outcome
        return outcome

    def open_card_page(self, customer_ref: str | None = None) -> CardPage | CustomerGone | Unknown:
        """Open a page that saves a card, of a new customer unless one is given."""
        request = CardPageRequest(
            setup_id=f"set_{self.key()}",
            subscription_id=None,
            customer_ref=customer_ref or self.customer(),
            words="R75.00 incl. VAT a month",
            success_url="https://example.com/back",
            cancel_url="https://example.com/turn",
            expires_at=self.now + timedelta(hours=23),
            key=self.key(),
        )
        return self.gateway.open_card_page(request)
