"""More days, given by staff: the trial, or the paid period, ends later, and so does the next charge."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from billing.errors import Invalid
from billing.office import Office
from billing.payments import book, tell_choices
from billing.renewals.refusals import AlreadyEnded, ChargeUnderWay, IsCancelled, IsOwing, IsPaused
from billing.rules import notices, periods, trial
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Because, Subscription
from billing.subscriptions.schedule import pause_is_ahead


class NoDays(Invalid):
    """Give at least one day."""

    code = "no_days"


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension leads to: the first day that is not free or paid any more, which is the day of the next charge."""

    before: date
    after: date


def foresee(office: Office, subscription: Subscription, days: int, at: datetime) -> Extension:
    """What so many days would do. A trial whose notices can't be sent in time for the new day moves on until they can (CARD-4).

    Raises NoDays, AlreadyEnded, IsCancelled, IsPaused, IsOwing, ChargeUnderWay."""
    s = subscription
    if days < 1:
        raise NoDays
    if s.state is State.ENDED:
        raise AlreadyEnded
    if s.cancels_at is not None:
        raise IsCancelled
    if s.state is State.PAUSED:
        raise IsPaused
    if s.charging_since is not None:
        raise ChargeUnderWay
    if s.state is State.TRIALING:
        after = s.charge_on + timedelta(days=days)
        closes_at = notices.window(notices.Notice.FIRST, trial.charge_at(after, office.zone)).closes_at
        if at > closes_at:
            after = max(after, trial.extended_charge_on(office.today(at)))
        return Extension(s.charge_on, after)
    if s.state is State.PAST_DUE or s.period_end_on is None:
        raise IsOwing
    return Extension(s.period_end_on, s.period_end_on + timedelta(days=days))


def extend(
    session: Session, office: Office, subscription_id: str, days: int, *, at: datetime, by: str, why: str
) -> Subscription:
    """Give the days, and say so by mail. Notices for another day are sent anew; later periods are counted from the new end.

    Raises as `foresee`, and UnknownSubscription."""
    subscription = lock(session, subscription_id)
    seen = foresee(office, subscription, days, at)
    after = seen.after
    columns: dict[str, object] = {
        "charge_on": after,
        "access_until": periods.start_of_day(after, office.zone),
    }
    if subscription.state is State.TRIALING:
        columns |= {"first_notice_at": None, "second_notice_at": None}
    else:
        columns |= moved_to(subscription, after)
        if subscription.resumes_on is not None and pause_is_ahead(subscription):
            # the pause begins later, and is as long as was chosen: no day given is one less of it
            columns |= {"resumes_on": subscription.resumes_on + (after - seen.before)}
        book.days_given(session, office, subscription_id, before=seen.before, after=after, at=at)
    change(session, subscription, Happening.EXTENDED, at=at, by=by, why=why, zone=office.zone, **columns)
    tell_choices.more_days(session, office, subscription, after, at)
    session.add(subscription)
    return subscription


def moved_to(subscription: Subscription, on: date) -> dict[str, object]:
    """The columns that make `on` the first day after what is held: later periods are counted from there, and the
    notices of a term's end are sent anew."""
    columns: dict[str, object] = {
        "period_end_on": on,
        "charge_on": on,
        "anchor_number": subscription.period_number + 1,
        "anchor_months": 0,
    }
    if subscription.term:
        columns |= {"term_notice_at": None, "first_notice_at": None, "second_notice_at": None}
    if subscription.next_terms_because is Because.SWITCH:
        columns |= {"next_terms_on": on}
    if subscription.next_terms_because is Because.TERM:
        columns |= {"next_price_id": None, "next_terms_on": None, "next_terms_because": None}
    return columns
