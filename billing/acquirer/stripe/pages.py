"""Stripe's hosted payment page: its parameters, and its end. Belongs to `gateway`."""

from typing import Any

from billing.acquirer.answers import Charged, PayPageRequest, Unknown
from billing.acquirer.stripe.answers import outcome


def params(request: PayPageRequest, metadata: dict[str, str]) -> dict[str, Any]:
    """A Checkout Session in payment mode with 3-D Secure (3DS-2). It keeps the card for charges without the reader (COF-1), and
    offers the reader's saved cards, so that a bank's question can be answered without typing."""
    intent: dict[str, Any] = {"metadata": metadata, "setup_future_usage": "off_session"}
    if request.descriptor_suffix:
        intent["statement_descriptor_suffix"] = request.descriptor_suffix
    price = {
        "currency": request.currency.lower(),
        "product_data": {"name": request.what},
        "unit_amount": request.amount,
    }
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "customer": request.customer_ref,
        "allowed_payment_method_types": ["card"],
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "payment_intent_data": intent,
        "saved_payment_method_options": {"allow_redisplay_filters": ["always", "limited", "unspecified"]},
        "client_reference_id": request.claim.attempt_id,
        "metadata": metadata,
        "custom_text": {"submit": {"message": request.words}},
        "submit_type": "pay",
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
    }


def paid(session: dict[str, Any]) -> Charged | Unknown:
    """A completed page whose money is there; any other completed page is unknown."""
    intent = session.get("payment_intent")
    found = outcome(intent) if isinstance(intent, dict) else None
    if isinstance(found, Charged | Unknown):
        return found
    return Unknown(f"the page is complete and its payment is {session['payment_status']}")
