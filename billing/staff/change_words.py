"""A subscription's changes in words for staff: its states, and what changed of it. Pure."""

from collections.abc import Mapping
from typing import Any

from billing.rules.lifecycle import State
from billing.subscriptions.models import TermsChangeReason

STATES = {
    State.TRIALING: "in trial",
    State.ACTIVE: "paid up",
    State.PAST_DUE: "payment owed",
    State.PAUSED: "paused",
    State.ENDED: "ended",
}
NAMES = {
    "access_until": "reads until",
    "anchor_months": "months of the first period",
    "anchor_number": "number of the first period",
    "cancel_asked_at": "cancellation asked for",
    "cancel_request_at": "cancellation counted from",
    "cancels_at": "cancellation takes effect",
    "card_expires_on": "card ends",
    "card_notice_at": "told that the card ends",
    "charge_day_from": "days given up to the charge day begin",
    "charge_on": "first day of the paid periods",
    "charging_since": "charge under way since",
    "first_failed_on": "first failed charge",
    "first_notice_at": "first notice of the charge",
    "held_until": "held until",
    "is_fixed_term": "ends with its term",
    "next_price_id": "price to come",
    "next_terms_because": "why other terms come",
    "next_terms_on": "other terms from",
    "payment_method_id": "card",
    "period_end_on": "paid period ends",
    "period_number": "number of the period",
    "period_start_on": "paid period begins",
    "plan_id": "plan",
    "price_id": "price",
    "resumes_on": "pause ends",
    "retry_on": "charged again",
    "second_notice_at": "second notice of the charge",
    "state": "state",
    "term_notice_at": "told that the term ends",
}
"""Columns of a subscription that need other words than their name."""


def moved(event: str, before: str | None, after: str) -> str:
    """What happened, with the states where they differ: “Payment failed: paid up → payment owed”."""
    if before is None or before == after:
        return event
    return f"{event}: {STATES[State(before)]} → {STATES[State(after)]}"


_REASONS = {
    TermsChangeReason.SWITCH: "the reader chose another plan",
    TermsChangeReason.TERM: "a fixed term ends",
    TermsChangeReason.PRICE: "another price was announced",
}
NAMED = {"plan_id": "plan", "price_id": "price", "next_price_id": "price"}
"""Columns with ids of plans and prices, which have names."""
NO_NAMES: Mapping[str, Mapping[str, str]] = {}


def changed(
    facts: Mapping[str, Any], names: Mapping[str, Mapping[str, str]] = NO_NAMES
) -> tuple[tuple[str, str], ...]:
    """Each changed fact by name, before and after. `names` are those of plans and of prices, by id."""
    return tuple(
        (NAMES.get(name, name.replace("_", " ")), " → ".join(_value(name, value, names) for value in values))
        for name, values in facts.items()
    )


def _value(name: str, value: Any, names: Mapping[str, Mapping[str, str]]) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "state":
        return STATES[State(value)]
    if name == "next_terms_because":
        return _REASONS[TermsChangeReason(value)]
    return names.get(NAMED.get(name, ""), {}).get(value, str(value))
