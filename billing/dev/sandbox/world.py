"""One sandbox: clock, store, merchant, and the call being answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billing.dev.sandbox.clock import SandboxClock
from billing.dev.sandbox.errors import missing
from billing.dev.sandbox.store import Row, Store

API_VERSION = "2026-10-28.endive"
NOUNS = {
    "customer": "customer",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "payment_intent": "payment_intent",
    "charge": "charge",
    "refund": "refund",
    "event": "event",
    "webhook_endpoint": "webhook endpoint",
    "balance_transaction": "balance transaction",
    "dispute": "dispute",
    "payout": "payout",
    "radar.early_fraud_warning": "early fraud warning",
    "checkout.session": "checkout.session",
}


@dataclass(frozen=True)
class Merchant:
    """The account's merchant, and Stripe's fees: in cents, and per mille of a charge."""

    name: str = "Masthead"
    descriptor: str = "MASTHEAD"
    fee_per_mille: int = 29
    fee_fixed: int = 200
    dispute_fee: int = 5000
    instant_fee_per_mille: int = 10
    settles_in: str = "zar"
    rate: float = 1.0
    """Settlement currency for one unit of the charged currency, if those differ."""


@dataclass(frozen=True)
class Call:
    """One parsed API request: `params` are typed, `at` is the sandbox's time."""

    method: str
    path: str
    ids: dict[str, str]
    params: dict[str, Any]
    at: int
    request_id: str
    idempotency_key: str | None
    base_url: str
    api_version: str = API_VERSION
    halfway: bool = False
    """Whether to store a PaymentIntent without confirming it, because the answer is an error. No source says whether Stripe does this;
    its state machine has the state (https://docs.stripe.com/payments/paymentintents/lifecycle)."""


@dataclass
class SandboxWorld:
    """The state that operations read and change."""

    store: Store
    clock: SandboxClock
    merchant: Merchant
    cause: Row | None = None
    on_event: Callable[[Row], None] = field(default=lambda _event: None)

    def find(self, kind: str, identifier: str, *, param: str | None = None) -> Row:
        """The object with this id; a deleted one counts as missing. Raises StripeError: 404, or with `param` 400."""
        row = self.store.get(kind, identifier)
        if row is None or row.get("deleted"):
            raise missing(NOUNS[kind], identifier, param=param or "id", in_path=param is None)
        return row
