"""Stripe's errors: which of them are answers, and which are doubt. Belongs to `gateway`."""

from collections.abc import Callable
from typing import Any, TypeVar

import stripe

from billing.acquirer.answers import CustomerGone, Declined, NoSuchObject, Unknown
from billing.acquirer.stripe import answers
from billing.acquirer.stripe.declines import decline

T = TypeVar("T")


def ask(call: Callable[[], T]) -> T | NoSuchObject | Unknown:
    """Call Stripe for an object by its id."""
    try:
        return call()
    except stripe.StripeError as error:
        return no_such_object(error) or unknown(error)


def declined(error: stripe.CardError) -> Declined:
    """A bank declined, or Stripe in its place."""
    body: dict[str, Any] = error.error.to_dict() if error.error is not None else {"code": error.code}
    intent = body.get("payment_intent") or {}
    words = str(error.user_message or "The card was declined.")
    return Declined(decline(body), intent.get("id"), words)


def unknown(error: stripe.StripeError) -> Unknown:
    """What became of the request is unknown."""
    busy = isinstance(error, stripe.RateLimitError)
    return Unknown(
        in_short(error),
        down=_is_down(error),
        key_unusable=_key_unusable(error),
        busy=busy,
        wait=answers.asked_to_wait(error.headers or {}) if busy else None,
    )


def _is_down(error: stripe.StripeError) -> bool:
    """No connection, no whole answer, an error of its own, our API key not known. Any other refusal is an answer, also a 409:
    the same request is being worked on."""
    status = error.http_status or 0
    return not 400 <= status < 500 or status in (401, 403)


def in_short(error: stripe.StripeError) -> str:
    """The message in one line, up to its first full stop."""
    message = " ".join(str(error.user_message or error.code or "no answer").split())
    return f"{type(error).__name__}: {message.partition('. ')[0]}"


def no_such_object(error: stripe.StripeError) -> NoSuchObject | None:
    """Where Stripe has no object with this id. For minutes it may deny one that it has
    (https://github.com/stripe/stripe-java/issues/1160)."""
    return NoSuchObject(in_short(error)) if missing(error) else None


def missing(error: stripe.StripeError) -> bool:
    """Whether there is no such object (any more): by the error's code, or by its status where it has none."""
    if not isinstance(error, stripe.InvalidRequestError):
        return False
    return error.code == "resource_missing" or (error.code is None and error.http_status == 404)


def customer_gone(error: stripe.StripeError) -> CustomerGone | None:
    """Where there is no such customer (any more)."""
    return CustomerGone() if missing_named(error, "customer") else None


def missing_named(error: stripe.StripeError, param: str) -> bool:
    """Whether the object that this parameter names is missing."""
    named = isinstance(error, stripe.InvalidRequestError) and error.param == param
    return named and missing(error)


def about_the_card(error: stripe.InvalidRequestError) -> bool:
    """Whether a refused request names the card or its customer. Where it names neither, the card may still be the cause: for a
    detached card Stripe gives only a message (https://github.com/Automattic/woocommerce-payments/issues/323)."""
    return error.param == "payment_method" or customer_gone(error) is not None


def _key_unusable(error: stripe.StripeError) -> bool:
    """Stripe failed and keeps that answer for the key, or had the key with another request (STR-5)."""
    status = error.http_status or 0
    return (isinstance(error, stripe.APIError) and status >= 500) or (
        isinstance(error, stripe.IdempotencyError) and status == 400
    )
