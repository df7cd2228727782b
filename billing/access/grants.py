"""Complimentary days: staff give them to a reader without a running subscription. They never take access away."""

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from billing.access.models import Grant
from billing.access.notices import complimentary
from billing.platform import ids
from billing.platform.actors import Actor, acted_by
from billing.platform.errors import Conflict, Invalid
from billing.platform.site import Office
from billing.rules.periods import start_of_day
from billing.subscriptions.find import live_of, plan_on_offer


class HasSubscription(Conflict):
    """This reader has a subscription that goes on. Extend that instead."""

    code = "has_subscription"


class NoDays(Invalid):
    """Give at least one day."""

    code = "no_days"


def last_of(session: Session, reader_id: str, at: datetime) -> Grant | None:
    """The grant that ends last, unless it is over."""
    return session.exec(
        select(Grant).where(Grant.reader_id == reader_id, Grant.until > at).order_by(col(Grant.until).desc())
    ).first()


def last_day_of(session: Session, office: Office, reader_id: str, days: int, at: datetime) -> date:
    """The last day of such a grant. Its days follow what the reader has already. Raises NoDays, HasSubscription."""
    if days < 1:
        raise NoDays
    subscription = live_of(session, reader_id)
    if subscription is not None and subscription.cancels_at is None:
        raise HasSubscription
    before = last_of(session, reader_id, at)
    ends = [before.until if before else None, subscription.cancels_at if subscription else None]
    held_until = max((end for end in ends if end is not None and end > at), default=None)
    so_far = office.last_day(held_until) if held_until else office.today(at)
    return so_far + timedelta(days=days)


def give(
    session: Session, office: Office, reader_id: str, days: int, *, at: datetime, by: Actor, why: str
) -> Grant:
    """Open everything to the reader for so many days, and notify by mail. Raises NoDays, HasSubscription."""
    last_day = last_day_of(session, office, reader_id, days, at)
    plan, _ = plan_on_offer(session, office.today(at))
    grant = Grant(
        id=ids.new("grt", at),
        reader_id=reader_id,
        given_at=at,
        until=start_of_day(last_day + timedelta(days=1), office.zone),
        features=list(plan.features),
        **acted_by(by),
        why=why,
    )
    session.add(grant)
    session.flush()
    complimentary(session, office, grant, last_day, at)
    return grant
