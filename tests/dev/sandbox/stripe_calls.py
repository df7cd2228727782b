"""Stripe calls that many tests of the sandbox make."""

from typing import Any

# The SDK's types are unions of all possible expansions, so tests use Any and assert what they expect.
Stripe = Any

DONE = "https://masthead.example/done?session={CHECKOUT_SESSION_ID}"
BACK = "https://masthead.example/subscribe"


def a_customer(stripe: Stripe, **fields: Any) -> Any:
    return stripe.v1.customers.create({"email": "thandi@example.com", **fields})


def a_session(stripe: Stripe, **fields: Any) -> Any:
    params: Any = {"mode": "setup", "currency": "zar", "success_url": DONE, "cancel_url": BACK, **fields}
    return stripe.v1.checkout.sessions.create(params)


def a_saved_card(stripe: Stripe, name: str, customer: str | None = None) -> Any:
    """Save a card by a confirmed SetupIntent; return its payment method."""
    owner = customer or a_customer(stripe).id
    intent = stripe.v1.setup_intents.create(
        {
            "customer": owner,
            "payment_method": name,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "expand": ["payment_method"],
        }
    )
    return intent.payment_method


def charge(stripe: Stripe, card: Any, key: str | None = None, **fields: Any) -> Any:
    """Charge R75.00 off session, as a renewal does."""
    params: Any = {
        "amount": 7500,
        "currency": "zar",
        "customer": card.customer,
        "payment_method": card.id,
        "off_session": "recurring",
        "confirm": True,
        "allowed_payment_method_types": ["card"],
        "payment_method_options": {"card": {"stored_credential_usage": "recurring"}},
        "metadata": {"invoice": "inv_1", "attempt": "att_1"},
        **fields,
    }
    return stripe.v1.payment_intents.create(params, {"idempotency_key": key} if key else None)


def error_of(refused: Any) -> Any:
    """The Stripe error object of an exception that `pytest.raises` caught."""
    return refused.value.error
