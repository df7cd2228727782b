"""Stripe's hosted payment page: what we ask of it, and how its end reads. Belongs to `gateway`."""

from typing import Any

from billing.acquirer.answers import Charged, PayPageRequest, Unknown
from billing.acquirer.stripe.answers import outcome


def params(request: PayPageRequest, written: dict[str, str]) -> dict[str, Any]:
    """A Checkout Session in payment mode: 3-D Secure asked for (3DS-2), the card kept for charges without the reader
    (COF-1), and the reader's saved cards offered, so that a bank's question can be answered without typing.

    `written` is its metadata."""
    intent: dict[str, Any] = {
        "metadata": written,
        "setup_future_usage": "off_session",
    }
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
        "metadata": written,
        "custom_text": {"submit": {"message": request.words}},
        "submit_type": "pay",
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
    }


def paid(session: dict[str, Any]) -> Charged | Unknown:
    """A completed page whose money is there; anything else of a completed page isn't known yet."""
    intent = session.get("payment_intent")
    found = outcome(intent) if isinstance(intent, dict) else None
    if isinstance(found, Charged | Unknown):
        return found
    return Unknown(f"the page is complete and its payment is {session['payment_status']}")
