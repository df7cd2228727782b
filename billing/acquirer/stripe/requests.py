"""What we ask of Stripe, as its parameters. Belongs to `gateway`; the payment page's are in `pages`."""

from datetime import datetime
from typing import Any

from billing.acquirer.answers import ChargeRequest


def card_page(
    written: dict[str, str],
    *,
    setup_id: str,
    customer_ref: str,
    words: str,
    success_url: str,
    cancel_url: str,
    expires_at: datetime,
) -> dict[str, Any]:
    """A Checkout Session in setup mode. `written` is its metadata, and its SetupIntent's."""
    return {
        "mode": "setup",
        "currency": "zar",
        "customer": customer_ref,
        "allowed_payment_method_types": ["card"],
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "setup_intent_data": {"metadata": written},
        "client_reference_id": setup_id,
        "metadata": written,
        "custom_text": {"submit": {"message": words}},
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
    }


def save_card(customer_ref: str, method_ref: str) -> dict[str, Any]:
    """A SetupIntent that is confirmed at once."""
    return {
        "customer": customer_ref,
        "payment_method": method_ref,
        "confirm": True,
        "usage": "off_session",
        "allowed_payment_method_types": ["card"],
        "payment_method_options": {"card": {"setup_credential_usage": "recurring"}},
        "expand": ["payment_method"],
    }


def charge(request: ChargeRequest, written: dict[str, str]) -> dict[str, Any]:
    """A PaymentIntent that is confirmed at once, its owner not being there. `written` is its metadata."""
    params: dict[str, Any] = {
        "amount": request.amount,
        "currency": request.currency.lower(),
        "customer": request.customer_ref,
        "payment_method": request.method_ref,
        "allowed_payment_method_types": ["card"],
        "off_session": "recurring",
        "confirm": True,
        "payment_method_options": {"card": {"stored_credential_usage": "recurring"}},
        "metadata": written,
        "expand": ["latest_charge"],
    }
    if request.descriptor_suffix:
        params["statement_descriptor_suffix"] = request.descriptor_suffix
    return params
