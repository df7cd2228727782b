"""Finds our objects in Stripe's lists by their metadata, and fetches them by id: a list may lack an object, or show an old state.
Belongs to `gateway`, which catches what the library raises. Stripe calls its lists up to date, and its search a minute late, or
later during an outage (https://docs.stripe.com/search#data-freshness)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from billing.acquirer.answers import ChargeRequest, NeverArrived, Outcome, RefundAnswer
from billing.acquirer.stripe import answers

CLOCKS_APART = timedelta(hours=1)
SENT_WITHIN = timedelta(hours=48)
"""No attempt is sent, and no page is open, a day after its intent (see `charge.SENT_WITHIN`); the rest is slack."""


def charge(client: Any, request: ChargeRequest, of: dict[str, str]) -> Outcome | NeverArrived:
    """An attempt among the intents `of` a customer, or all, created while it may have been sent. An intent that Stripe wrote down
    and never confirmed counts as never arrived."""
    since, until = request.intended_at - CLOCKS_APART, request.intended_at + SENT_WITHIN
    span = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
    for listed in client.payment_intents.list(of | {"created": span, "limit": 100}).auto_paging_iter():
        if _metadata(listed.to_dict()).get("attempt") == request.claim.attempt_id:
            found = intent(client, listed.id)
            return NeverArrived() if answers.is_unconfirmed(found) else answers.outcome(found)
    return NeverArrived()


def intent(client: Any, intent_ref: str) -> dict[str, Any]:
    """A PaymentIntent with its charge, as it is now."""
    found: dict[str, Any] = client.payment_intents.retrieve(
        intent_ref, {"expand": ["latest_charge"]}
    ).to_dict()
    return found


def refund(client: Any, refund_id: str, intent_ref: str) -> RefundAnswer | NeverArrived:
    """A refund of ours among those of an intent."""
    for listed in refunds_of(client.refunds, intent_ref):
        if _metadata(listed).get("refund") == refund_id:
            return answers.refund(client.refunds.retrieve(listed["id"]).to_dict())
    return NeverArrived()


def refunds_of(refunds: Any, intent_ref: str) -> Iterator[dict[str, Any]]:
    """The refunds of an intent, as listed. `refunds` is the library's service."""
    page = refunds.list({"payment_intent": intent_ref, "limit": 100})
    return (refund.to_dict() for refund in page.auto_paging_iter())


def _metadata(listed: dict[str, Any]) -> dict[str, str]:
    return listed.get("metadata") or {}
