"""The vault: the test card behind each PaymentMethod, and its hidden state."""

import time

from billing.dev.sandbox import ids, params
from billing.dev.sandbox.cards import SandboxCard, find, stranger
from billing.dev.sandbox.errors import missing
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld


def mint(
    world: SandboxWorld, card: SandboxCard, *, expiry: tuple[int, int] | None = None, name: str | None = None
) -> Row:
    """Create a PaymentMethod for a test card; `expiry` is (month, year)."""
    month, year = expiry or (12, time.gmtime(world.clock.now()).tm_year + 4)
    row: Row = {
        "id": ids.new("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict.fromkeys(params.ADDRESS),
            "email": None,
            "name": name,
            "phone": None,
            "tax_id": None,
        },
        "card": card_shown(card, month, year),
        "created": world.clock.now(),
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
    world.store.put("payment_method", row)
    world.store.put(
        "vault", {"id": row["id"], "card": card.key, "set_up": False, "used": False, "decline": None}
    )
    return row


def card_shown(card: SandboxCard, month: int, year: int) -> Row:
    """The `card` hash of a PaymentMethod."""
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "ZA" if card.name in ("visa", "mastercard") else "US",
        "display_brand": "american_express" if card.brand == "amex" else card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        # Source of the shape: https://github.com/vapor-community/stripe-kit/pull/125
        "wallet": {"type": "google_pay", "dynamic_last4": card.last4, "google_pay": {}}
        if card.wallet
        else None,
    }


def is_past(year: int, month: int, at: int) -> bool:
    """Whether a card that is valid through this month has expired at `at` (epoch seconds)."""
    today = time.gmtime(at)
    return (year, month) < (today.tm_year, today.tm_mon)


def card_of(world: SandboxWorld, method: Row) -> SandboxCard:
    """The test card behind a PaymentMethod."""
    key = contents(world, method)["card"]
    return find(key) or stranger(key)


def contents(world: SandboxWorld, method: Row) -> Row:
    """The vault's row: the card, whether it was set up or used, and an ordered decline."""
    row = world.store.get("vault", method["id"])
    if row is None:
        raise missing("PaymentMethod", method["id"])
    return row
