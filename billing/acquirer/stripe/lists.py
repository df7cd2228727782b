"""Finds what we made in Stripe's lists, by what we wrote on it, and fetches it by its id: a list may lack it, or show it as it was.
Belongs to `gateway`. Stripe calls its lists up to date, and its search a minute late, or later during an outage
(https://docs.stripe.com/search#data-freshness). What the library raises is left to the caller."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from billing.acquirer.answers import ChargeRequest, NeverArrived, Outcome, RefundAnswer
from billing.acquirer.stripe import answers

CLOCKS_APART = timedelta(hours=1)
SENT_WITHIN = timedelta(hours=48)
"""An attempt of a day isn't sent any more (see `charge.SENT_WITHIN`), and no page is open for longer; the rest is slack."""


def charge(client: Any, request: ChargeRequest, of: dict[str, str]) -> Outcome | NeverArrived:
    """What became of an attempt, among the intents `of` a customer, or all; from an hour before it was intended to the last hour in
    which it may be sent. One that Stripe wrote down and went no further with never arrived."""
    since, until = request.intended_at - CLOCKS_APART, request.intended_at + SENT_WITHIN
    span = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
    for listed in client.payment_intents.list(of | {"created": span, "limit": 100}).auto_paging_iter():
        if _written(listed.to_dict()).get("attempt") == request.claim.attempt_id:
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
    """What became of a refund of ours, among those of an intent."""
    for listed in refunds_of(client.refunds, intent_ref):
        if _written(listed).get("refund") == refund_id:
            return answers.refund(client.refunds.retrieve(listed["id"]).to_dict())
    return NeverArrived()


def refunds_of(refunds: Any, intent_ref: str) -> Iterator[dict[str, Any]]:
    """The refunds of an intent, as they are listed. `refunds` is the library's service."""
    page = refunds.list({"payment_intent": intent_ref, "limit": 100})
    return (one.to_dict() for one in page.auto_paging_iter())


def _written(listed: dict[str, Any]) -> dict[str, str]:
    return listed.get("metadata") or {}
