"""A subscription in one sentence, for its reader."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from billing.rules.lifecycle import State
from billing.rules.periods import civil_date, last_day_before
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import paid_until, pause_is_ahead
from emails.languages import Text, say


def in_a_sentence(
    subscription: Subscription | None, at: datetime, zone: ZoneInfo, *, by_bank: bool = False
) -> Text:
    """What holds now, and until when. `by_bank`: a bank that questions a payment stopped it, not its reader."""
    s = subscription
    if s is None:
        return say("You have a free account, and no subscription.")
    if s.state is State.ENDED or (s.cancels_at is not None and s.cancels_at <= at):
        ended_on = last_day_before(s.ended_at or s.cancels_at or at, zone)
        return say("Your subscription ended on %(day)s.", day=ended_on)
    if s.cancels_at is not None:
        until = last_day_before(s.cancels_at, zone)
        if by_bank:
            return say(
                "It is not renewed, because a bank questions a payment; you can read through %(day)s.",
                day=until,
            )
        return say("You have cancelled; you can read through %(day)s.", day=until)
    if s.state is State.TRIALING:
        return say("Your free trial runs through %(day)s.", day=s.charge_on - timedelta(days=1))
    if s.state is State.PAST_DUE:
        return say(
            "Your last payment did not go through; you can read through %(day)s.",
            day=last_day_before(s.access_until, zone),
        )
    if s.state is State.PAUSED and s.resumes_on is not None:
        return say("Your subscription is paused; it goes on, with a charge, on %(day)s.", day=s.resumes_on)
    if s.period_end_on is None:
        return say("Your subscription has begun; the first payment is on its way.")
    if pause_is_ahead(s) and s.resumes_on is not None:
        return say(
            "Your subscription is paid through %(paid)s, then paused until %(day)s.",
            paid=s.period_end_on - timedelta(days=1),
            day=s.resumes_on,
        )
    paid = paid_until(s, civil_date(at, zone)) - timedelta(days=1)
    return say("Your subscription is paid through %(day)s.", day=paid)
