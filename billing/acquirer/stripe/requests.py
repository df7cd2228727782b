"""Parameters of requests to Stripe. Belongs to `gateway`; those of the payment page are in `pages`."""

from typing import Any

from billing.acquirer.answers import CardPageRequest, ChargeRequest


def card_page(request: CardPageRequest, metadata: dict[str, str]) -> dict[str, Any]:
    """A Checkout Session in setup mode. `metadata` goes on it and on its SetupIntent."""
    return {
        "mode": "setup",
        "currency": "zar",
        "customer": request.customer_ref,
        "allowed_payment_method_types": ["card"],
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "setup_intent_data": {"metadata": metadata},
        "client_reference_id": request.setup_id,
        "metadata": metadata,
        "custom_text": {"submit": {"message": request.words}},
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
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


def charge(request: ChargeRequest, metadata: dict[str, str]) -> dict[str, Any]:
    """A PaymentIntent that is confirmed at once, without its reader."""
    params: dict[str, Any] = {
        "amount": request.amount,
        "currency": request.currency.lower(),
        "customer": request.customer_ref,
        "payment_method": request.method_ref,
        "allowed_payment_method_types": ["card"],
        "off_session": "recurring",
        "confirm": True,
        "payment_method_options": {"card": {"stored_credential_usage": "recurring"}},
        "metadata": metadata,
        "expand": ["latest_charge"],
    }
    if request.descriptor_suffix:
        params["statement_descriptor_suffix"] = request.descriptor_suffix
    return params
