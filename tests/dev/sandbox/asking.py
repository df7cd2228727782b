"""What the tests ask of Stripe, over and over."""

from typing import Any

# The SDK's types are unions of everything that an expansion may give; tests say what they expect by asserting it.
Stripe = Any

DONE = "https://masthead.example/done?session={CHECKOUT_SESSION_ID}"
BACK = "https://masthead.example/subscribe"


def a_customer(stripe: Stripe, **fields: Any) -> Any:
    return stripe.v1.customers.create({"email": "thandi@example.com", **fields})


def a_session(stripe: Stripe, **fields: Any) -> Any:
    asked: Any = {"mode": "setup", "currency": "zar", "success_url": DONE, "cancel_url": BACK, **fields}
    return stripe.v1.checkout.sessions.create(asked)


def a_saved_card(stripe: Stripe, name: str, customer: str | None = None) -> Any:
    """Set up through a confirmed SetupIntent, or attached where that would need a person."""
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
    """The renewal's charge: R75.00 off session."""
    asked: Any = {
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
    return stripe.v1.payment_intents.create(asked, {"idempotency_key": key} if key else None)


def error_of(refused: Any) -> Any:
    """The error object of what `pytest.raises` caught."""
    return refused.value.error
