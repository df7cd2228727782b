"""Makes a refund at Stripe. Belongs to `stripe_gateway`."""

from dataclasses import replace
from typing import Any

import stripe

from billing.payments import stripe_answers, stripe_errors, stripe_lists
from billing.payments.gateway import InsufficientBalance, RefundAnswer, RefundRefused, Unknown


def make(
    refunds: Any, asked: dict[str, Any], key: str
) -> RefundAnswer | RefundRefused | InsufficientBalance | Unknown:
    """A Refund of the charge of `asked["payment_intent"]`. `refunds` is the library's service."""
    try:
        made = refunds.create(asked, {"idempotency_key": key})
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        refused = stripe_answers.no_refund(error.json_body)
        if isinstance(refused, RefundRefused) and stripe_answers.exceeds_charge(error.json_body):
            return _with_what_was_returned(refunds, asked["payment_intent"], refused)
        return refused
    except stripe.StripeError as error:
        return stripe_errors.unknown(error)
    return stripe_answers.refund(made.to_dict())


def _with_what_was_returned(refunds: Any, intent_ref: str, refused: RefundRefused) -> RefundRefused | Unknown:
    """A list that holds none lags behind, since something of the charge has gone."""
    try:
        listed = [stripe_answers.made_refund(found) for found in stripe_lists.refunds_of(refunds, intent_ref)]
    except stripe.StripeError as error:
        return stripe_errors.unknown(error)
    made = tuple(one for one in listed if one is not None)
    return replace(refused, made=made) if made else Unknown(refused.why)
