"""More days, given by staff: the trial, or the paid period, ends later, and so does the next charge."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from billing.errors import Conflict, Invalid
from billing.office import Office
from billing.payments import book
from billing.renewals.cancel import AlreadyEnded
from billing.rules import notices, periods, trial
from billing.rules.lifecycle import Happening, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Subscription


class NoDays(Invalid):
    """Give at least one day."""

    code = "no_days"


class IsCancelled(Conflict):
    """It is cancelled. Take the cancellation back first, or give complimentary days."""

    code = "is_cancelled"


class IsOwing(Conflict):
    """A payment is outstanding, so there is no paid period to extend. Once it is paid, or ended, days can be given."""

    code = "is_owing"


class ChargeUnderWay(Conflict):
    """A charge is being made this very moment. Try again in a minute."""

    code = "charge_under_way"


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension leads to: the first day that is not free or paid any more, which is the day of the next charge."""

    before: date
    after: date


def foresee(office: Office, subscription: Subscription, days: int, at: datetime) -> Extension:
    """What so many days would do. A trial whose notices can't be sent in time for the new day moves on until they can (CARD-4).

    Raises NoDays, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    s = subscription
    if days < 1:
        raise NoDays
    if s.state is State.ENDED:
        raise AlreadyEnded
    if s.cancels_at is not None:
        raise IsCancelled
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
    """Give the days. Notices for another day are sent anew; later periods are counted from the new end.

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
        columns |= {"period_end_on": after, "anchor_number": subscription.period_number + 1}
        book.days_given(session, office, subscription_id, before=seen.before, after=after, at=at)
    change(session, subscription, Happening.EXTENDED, at=at, by=by, why=why, zone=office.zone, **columns)
    session.add(subscription)
    return subscription
