"""An acquirer's gateway under test, and its other side: what readers, banks and the acquirer's own staff do there."""

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
    """How the acquirer calls its test cards, and things that it doesn't have."""

    good: str
    of_another_scheme: str
    refused_when_saved: tuple[str, ...]
    declined: str
    disputed: str
    inquired: str
    warned: str
    without_fingerprint: str
    number_that_wants_its_owner_each_time: str
    number_that_wants_its_owner_once: str
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
    """A sandbox that does as it is told. Acquirers' own test modes have none: what needs it is skipped there."""

    def begin_anew(self) -> None:
        """As at its start."""
        ...

    def judge(self) -> None:
        """Fail where what was exchanged with it isn't as the acquirer specifies."""
        ...

    @property
    def now(self) -> datetime:
        """Its time."""
        ...

    def pass_time(self, span: timedelta) -> None:
        """Hold its clock, and move it on."""
        ...

    def fill_in(self, page: CardPage, number: str) -> None:
        """The reader types this card, and confirms it where the bank asks."""
        ...

    def remove_card(self, method_ref: str) -> None: ...

    def delete_customer(self, customer_ref: str) -> None: ...

    def ask_for_owner(self, method_ref: str) -> None:
        """From now on its charges wait for the reader."""
        ...

    def refuse_refunds(self, reason: str) -> None:
        """For `no_balance`, `too_old`, or `waits_for_balance`."""
        ...

    def disputes(self) -> list[str]:
        """Their references, oldest first."""
        ...

    def warnings(self) -> list[str]: ...

    def payouts(self) -> list[str]: ...

    def pay_out_by_hand_only(self) -> None: ...

    def pay_out(self) -> str:
        """By hand; the payout's reference."""
        ...


class UnderTest:
    """A gateway, with fresh names for what is made by it. Where `other` is None only the port itself acts."""

    def __init__(self, gateway: Gateway, names: Names, other: OtherSide | None) -> None:
        self.gateway, self.names, self.other = gateway, names, other
        self.run = secrets.token_hex(6)
        self.count = 0

    def key(self) -> str:
        """A key nobody has used."""
        self.count += 1
        return f"contract-{self.run}-{self.count}"

    @property
    def now(self) -> datetime:
        """Its time."""
        return self.other.now if self.other else datetime.now(UTC)

    def customer(self) -> str:
        """A new customer."""
        made = self.gateway.create_customer(
            reader_id=f"rdr_{self.run}", email=f"{self.run}@example.com", key=self.key()
        )
        assert isinstance(made, str), made
        return made

    def card(self, method: str | None = None) -> SavedCard:
        """A saved card of a new customer: a good one, unless another is named."""
        saved = self.gateway.save_card(
            customer_ref=self.customer(), method_ref=method or self.names.good, key=self.key()
        )
        assert isinstance(saved, SavedCard), saved
        return saved

    def request(self, card: SavedCard, **more: object) -> ChargeRequest:
        """A charge of R75.00."""
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
        """A charge that goes through."""
        outcome = self.gateway.charge(request or self.request(card))
        assert isinstance(outcome, Charged), outcome
        return outcome

    def open_card_page(self, customer_ref: str | None = None) -> CardPage | CustomerGone | Unknown:
        """A page that saves a card, of a new customer unless one is named."""
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
