"""Makes a refund at Stripe. Belongs to `gateway`."""

from dataclasses import replace
from typing import Any

import stripe

from billing.acquirer.answers import RefundOutcome, RefundRefused, Unknown
from billing.acquirer.stripe import answers, errors, lists


def make(refunds: Any, params: dict[str, Any], key: str) -> RefundOutcome:
    """A Refund of the charge of `params["payment_intent"]`. `refunds` is the library's service."""
    try:
        made = refunds.create(params, {"idempotency_key": key})
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        refused = answers.no_refund(error.json_body)
        if isinstance(refused, RefundRefused) and answers.exceeds_charge(error.json_body):
            return _with_what_was_returned(refunds, params["payment_intent"], refused)
        return refused
    except stripe.StripeError as error:
        return errors.unknown(error)
    return answers.refund(made.to_dict())


def _with_what_was_returned(refunds: Any, intent_ref: str, refused: RefundRefused) -> RefundRefused | Unknown:
    """Stripe has said that something of the charge has gone back. So an empty list lags behind, and the outcome is unknown."""
    try:
        listed = [answers.made_refund(found) for found in lists.refunds_of(refunds, intent_ref)]
    except stripe.StripeError as error:
        return errors.unknown(error)
    made = tuple(refund for refund in listed if refund is not None)
    return replace(refused, made=made) if made else Unknown(refused.reason)
