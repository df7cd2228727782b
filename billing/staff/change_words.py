"""A subscription's changes in words for staff: its states, and what changed of it. Pure."""

from collections.abc import Mapping
from typing import Any

from billing.rules.lifecycle import State

STATES = {
    State.TRIALING: "in trial",
    State.ACTIVE: "paid up",
    State.PAST_DUE: "payment owed",
    State.PAUSED: "paused",
    State.ENDED: "ended",
}
_NAMES = {
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


def moved(event: str, before: str | None, after: str) -> str:
    """What happened, with the states where they differ: “Payment failed: paid up → payment owed”."""
    if before is None or before == after:
        return event
    return f"{event}: {STATES[State(before)]} → {STATES[State(after)]}"


def changed(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Each changed fact by name, before and after."""
    return tuple(
        (_NAMES.get(name, name.replace("_", " ")), " → ".join(_value(name, value) for value in values))
        for name, values in facts.items()
    )


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return STATES[State(value)] if name == "state" else str(value)
