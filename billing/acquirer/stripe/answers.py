"""Stripe's objects, as plain dicts, turned into the port's answers. Belongs to `gateway`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.acquirer.answers import (
    CardGone,
    Charged,
    Declined,
    InsufficientBalance,
    MadeRefund,
    Outcome,
    RefundAnswer,
    RefundRefused,
    SavedCard,
    Unknown,
)
from billing.acquirer.stripe.declines import decline

_DISPUTED = "charge_for_pending_refund_disputed"
"""Why Stripe fails a pending refund of a charge that is disputed meanwhile (docs.stripe.com/api/refunds/object)."""
_NO_BALANCE = re.compile(r"insufficient funds in your .*balance", re.IGNORECASE)
_NEEDNT_LAST = ("declined", "insufficient_funds", "merchant_request", "unknown")
"""Of a Refund's failure reasons (docs.stripe.com/api/refunds/object: `failure_reason`), those that may not hold for the next
one. A card that is lost, stolen, expired or canceled stays so."""
_NOT_TAKEN = ("requires_payment_method", "canceled", "requires_action")


def card(method: dict[str, Any]) -> SavedCard | CardGone:
    """A PaymentMethod as a saved card. Without a customer it can't be charged any more. What is no card isn't ours: we request
    cards alone."""
    if not method.get("customer") or not method.get("card"):
        return CardGone()
    return _saved(method["customer"], method["id"], method["card"])


def _saved(customer_ref: str, method_ref: str, shown: dict[str, Any]) -> SavedCard:
    return SavedCard(
        customer_ref=str(customer_ref),
        method_ref=str(method_ref),
        brand=str(shown.get("brand") or "card"),
        last4=str(shown.get("last4") or "????"),
        exp_month=int(shown["exp_month"]),
        exp_year=int(shown["exp_year"]),
        fingerprint=shown.get("fingerprint") or None,
    )


def outcome(intent: dict[str, Any]) -> Outcome:
    """The outcome of a PaymentIntent whose charge is expanded. One that succeeded is never a decline, whatever it lacks."""
    charge = intent.get("latest_charge")
    if intent["status"] == "succeeded" and isinstance(charge, dict):
        used = (charge.get("payment_method_details") or {}).get("card") or {}
        return Charged(
            intent_ref=intent["id"],
            charge_ref=charge["id"],
            amount=int(intent["amount_received"]),
            network_transaction_id=used.get("network_transaction_id"),
            at=datetime.fromtimestamp(int(charge["created"]), UTC),
            card=card_kept(intent, charge),
            method_ref=charge.get("payment_method"),
            customer_ref=intent.get("customer"),
            returned=int(charge.get("amount_refunded") or 0),
        )
    if intent["status"] in _NOT_TAKEN:
        error = intent.get("last_payment_error") or {}
        if intent["status"] == "requires_action":
            error = {
                "code": "authentication_required",
                "message": "The bank wants the reader to confirm.",
            } | error
        return Declined(decline(error), intent["id"], str(error.get("message") or "The card was declined."))
    return Unknown(f"the intent is {intent['status']}")


def is_unconfirmed(intent: dict[str, Any]) -> bool:
    """Whether Stripe only wrote it down, as after an error of its own. No bank was asked, and only the same request could
    confirm it."""
    return bool(intent["status"] == "requires_confirmation")


def card_kept(intent: dict[str, Any], charge: dict[str, Any]) -> SavedCard | None:
    """The card that paid, where the intent was to keep it."""
    used = (charge.get("payment_method_details") or {}).get("card")
    method_ref = charge.get("payment_method")
    if intent.get("setup_future_usage") != "off_session" or not used:
        return None
    return _saved(intent["customer"], method_ref, used) if intent.get("customer") and method_ref else None


def refund(found: dict[str, Any]) -> RefundAnswer:
    """A Refund. One that was canceled in the dashboard has failed; `requires_action` is pending."""
    state = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}.get(
        found["status"], "pending"
    )
    reason = found.get("failure_reason") or (found.get("pending_reason") if state == "pending" else None)
    if found["status"] == "canceled":
        reason = "canceled in the dashboard"
    return RefundAnswer(
        str(found["id"]),
        state,
        reason,
        insufficient_balance=reason == "insufficient_funds",
        may_succeed_again=found["status"] == "canceled" or reason in _NEEDNT_LAST,
        disputed=reason == _DISPUTED,
    )


def no_refund(body: Any) -> RefundRefused | InsufficientBalance:
    """Why Stripe made no Refund, from the raw body: the library keeps only the fields it knows. In the one public body, want of
    balance has a `message_code` and no `code` (github.com/Automattic/woocommerce-payments/issues/10025), so its words count
    too."""
    error = _error(body)
    code, reason = error.get("code"), str(error.get("message") or error.get("code") or "refused")
    if "insufficient_balance_for_refund" in (code, error.get("message_code")) or _NO_BALANCE.search(reason):
        return InsufficientBalance(reason)
    return RefundRefused(
        reason, not_owed=code == "charge_already_refunded", disputed=code == "charge_disputed"
    )


def exceeds_charge(body: Any) -> bool:
    """Whether Stripe made no Refund because less is left of the charge: it names the amount without a code. An invalid amount has
    a code (stripe.com/docs/error-codes, `parameter_invalid_integer`)."""
    error = _error(body)
    return error.get("param") == "amount" and not error.get("code")


def _error(body: Any) -> dict[str, Any]:
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def made_refund(found: dict[str, Any]) -> MadeRefund | None:
    """A Refund that has returned money, or is about to."""
    if refund(found).state == "failed":
        return None
    named = (found.get("metadata") or {}).get("refund")
    at = datetime.fromtimestamp(int(found["created"]), UTC)
    return MadeRefund(str(found["id"]), named, int(found["amount"]), at)


def asked_to_wait(headers: Mapping[str, str]) -> timedelta | None:
    """`Retry-After`, a minute at most."""
    seconds = str(headers.get("Retry-After") or headers.get("retry-after") or "")
    return timedelta(seconds=min(int(seconds), 60)) if seconds.isdigit() else None
