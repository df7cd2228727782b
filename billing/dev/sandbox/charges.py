"""Charges: one for each attempt to charge a card, declined ones included."""

import secrets

from billing.dev.sandbox import balance, disputes, ids, params, vault, warnings
from billing.dev.sandbox.cards import IssuerDecline, SandboxCard
from billing.dev.sandbox.events import emit
from billing.dev.sandbox.lists import filters, page
from billing.dev.sandbox.operations import operation
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import Call, SandboxWorld


def make(world: SandboxWorld, intent: Row, method: Row, decline: IssuerDecline | None) -> Row:
    """Create the charge of one confirmation; with `decline` it failed."""
    suffix = intent["statement_descriptor_suffix"]
    charge: Row = {
        "id": ids.new("ch", 24),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if decline else intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": descriptor(world, suffix),
        "captured": decline is None,
        "created": world.clock.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome(decline),
        "paid": decline is None,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": _card_used(world, intent, method)},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": suffix,
        "status": "failed" if decline else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    if decline is None:
        charge["balance_transaction"] = balance.of_charge(world, charge)["id"]
    world.store.put("charge", charge)
    emit(world, "charge.failed" if decline else "charge.succeeded", charge)
    if decline is None:
        _dispute(world, charge, vault.card_of(world, method).disputed)
    return world.find("charge", charge["id"])


def _dispute(world: SandboxWorld, charge: Row, kind: str) -> None:
    """Open the dispute, inquiry or warning that some test cards cause."""
    if kind == "warning":
        warnings.warn(world, charge)
    elif kind:
        reason = "general" if kind == "inquiry" else kind
        disputes.begin(world, charge, reason=reason, inquiry=kind == "inquiry")


def descriptor(world: SandboxWorld, suffix: str | None) -> str:
    """The text on the reader's statement, at most 22 characters."""
    return f"{world.merchant.descriptor}* {suffix}" if suffix else world.merchant.descriptor


def outcome(decline: IssuerDecline | None) -> Row:
    """The charge's `outcome` hash."""
    shown: Row = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline is None:
        return shown
    reason = "highest_risk_level" if decline.decline_code == "fraudulent" else decline.decline_code
    shown |= {
        "advice_code": decline.advice_code,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "network_status": "not_sent_to_network" if decline.blocked else "declined_by_network",
        "reason": reason,
        "seller_message": "Stripe blocked this payment."
        if decline.blocked
        else f"The bank returned the decline code `{decline.decline_code}`.",
        "type": "blocked" if decline.blocked else "issuer_declined",
    }
    return shown | ({"risk_level": "highest", "risk_score": 92} if decline.blocked else {})


def _card_used(world: SandboxWorld, intent: Row, method: Row) -> Row:
    card: SandboxCard = vault.card_of(world, method)
    shown = method["card"]
    options = intent["payment_method_options"]["card"]
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": f"{secrets.randbelow(1_000_000):06}",
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": shown["country"],
        "exp_month": shown["exp_month"],
        "exp_year": shown["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": shown["fingerprint"],
        "funding": shown["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": shown["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": "".join(str(secrets.randbelow(10)) for _ in range(15)),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "stored_credential_usage": options.get("stored_credential_usage"),
        "three_d_secure": None,
        "wallet": shown["wallet"],
    }


@operation("GET", "/v1/charges/{id}", returns="charge")
def retrieve(world: SandboxWorld, call: Call) -> Row:
    """One charge."""
    return world.find("charge", call.ids["id"])


@operation(
    "GET",
    "/v1/charges",
    returns="charge",
    many=True,
    spec=params.LISTING
    | {"created": params.RANGE, "customer": params.text(), "payment_intent": params.text()},
)
def listing(world: SandboxWorld, call: Call) -> Row:
    """Charges, newest first."""
    exact = filters(call, "payment_intent", "customer")
    return page(world, call, "charge", exact)
