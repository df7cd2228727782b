"""Stripe's hosted payment page: what we ask of it, and how its end reads. Belongs to `stripe_gateway`."""

from collections.abc import Callable
from typing import Any

from billing.payments.gateway import Charged, Outcome, PayPageRequest, SavedCard, Unknown


def params(request: PayPageRequest) -> dict[str, Any]:
    """A Checkout Session in payment mode: 3-D Secure asked for (3DS-2), the card kept for charges without the reader
    (COF-1), and the reader's saved cards offered, so that a bank's question can be answered without typing."""
    intent: dict[str, Any] = {
        "metadata": {"attempt": request.attempt_id, "invoice": request.invoice_id},
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
        "client_reference_id": request.attempt_id,
        "metadata": {"attempt": request.attempt_id},
        "custom_text": {"submit": {"message": request.words}},
        "submit_type": "pay",
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int(request.expires_at.timestamp()),
    }


def paid(session: dict[str, Any], read: Callable[[dict[str, Any]], Outcome]) -> Charged | Unknown:
    """A completed page whose money is there; anything else of a completed page isn't known yet."""
    intent = session.get("payment_intent")
    outcome = read(intent) if isinstance(intent, dict) else None
    if isinstance(outcome, Charged | Unknown):
        return outcome
    return Unknown(f"the page is complete and its payment is {session['payment_status']}")


def card_kept(intent: dict[str, Any], charge: dict[str, Any]) -> SavedCard | None:
    """The card that paid, where the intent was to keep it."""
    card = (charge.get("payment_method_details") or {}).get("card")
    if intent.get("setup_future_usage") != "off_session" or not card or not card.get("fingerprint"):
        return None
    return SavedCard(
        customer_ref=str(intent["customer"]),
        method_ref=str(charge["payment_method"]),
        brand=str(card["brand"]),
        last4=str(card["last4"]),
        exp_month=int(card["exp_month"]),
        exp_year=int(card["exp_year"]),
        fingerprint=str(card["fingerprint"]),
    )
