"""What may be written on a subscription, as a type: mypy refuses a misspelt column, or one with a value of another type."""

from datetime import date, datetime
from typing import TypedDict

from billing.subscriptions.models import TermsChangeReason


class SubscriptionPatch(TypedDict, total=False):
    """Columns with their new values; those left out stay as they are. `state`, `next_action` and what goes with them are absent:
    `change` derives them."""

    plan_id: str
    price_id: str
    payment_method_id: str
    card_expires_on: date
    card_notice_at: datetime | None
    charge_on: date
    anchor_number: int
    anchor_months: int
    is_fixed_term: bool
    term_notice_at: datetime | None
    first_notice_at: datetime | None
    second_notice_at: datetime | None
    period_number: int
    period_start_on: date
    period_end_on: date
    access_until: datetime
    charging_since: datetime | None
    first_failed_on: date | None
    retry_on: date | None
    next_price_id: str | None
    next_terms_on: date | None
    next_terms_reason: TermsChangeReason | None
    resumes_on: date | None
    cancel_asked_at: datetime | None
    cancels_at: datetime | None
    cancel_request_at: datetime | None
    held_until: date | None
