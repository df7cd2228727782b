"""A subscription in one sentence, for its reader."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.rules.lifecycle import State
from billing.rules.periods import last_day_before
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import pause_is_ahead


def in_a_sentence(
    subscription: Subscription | None, at: datetime, zone: ZoneInfo, *, by_bank: bool = False
) -> str:
    """What holds now, and until when. `by_bank`: a bank that questions a payment stopped it, not its reader."""
    s = subscription
    if s is None:
        return "You have a free account, and no subscription."
    if s.state is State.ENDED or (s.cancels_at is not None and s.cancels_at <= at):
        return f"Your subscription ended on {_day(last_day_before(s.ended_at or s.cancels_at or at, zone))}."
    if s.cancels_at is not None:
        reason = "It is not renewed, because a bank questions a payment" if by_bank else "You have cancelled"
        return f"{reason}; you can read through {_day(last_day_before(s.cancels_at, zone))}."
    if s.state is State.TRIALING:
        return f"Your free trial runs through {_day(s.charge_on - timedelta(days=1))}."
    if s.state is State.PAST_DUE:
        return f"Your last payment did not go through; you can read through {_day(last_day_before(s.access_until, zone))}."
    if s.state is State.PAUSED and s.resumes_on is not None:
        return f"Your subscription is paused; it goes on, with a charge, on {_day(s.resumes_on)}."
    if s.period_end_on is None:
        return "Your subscription has begun; the first payment is on its way."
    paid = f"Your subscription is paid through {_day(s.period_end_on - timedelta(days=1))}"
    if pause_is_ahead(s) and s.resumes_on is not None:
        return f"{paid}, then paused until {_day(s.resumes_on)}."
    return f"{paid}."


def _day(on: date) -> str:
    return f"{on:%A %-d %B %Y}"
