"""Complimentary days: staff give them to a reader without a running subscription. They never take access away."""

from datetime import date, timedelta

from sqlmodel import col, select

from billing.access.models import Grant
from billing.access.notices import complimentary
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.rules.periods import start_of_day
from billing.subscriptions.find import live_of, plan_on_offer


class HasSubscription(Conflict):
    """This reader has a subscription that goes on. Extend that instead."""

    code = "has_subscription"


class NoGrantedDays(Invalid):
    """Give at least one day."""

    code = "no_days"


def last_of(ctx: TransactionContext, reader_id: str) -> Grant | None:
    """The grant that ends last, unless it is over."""
    return ctx.session.exec(
        select(Grant)
        .where(Grant.reader_id == reader_id, Grant.until > ctx.at)
        .order_by(col(Grant.until).desc())
    ).first()


def last_day_of(ctx: TransactionContext, reader_id: str, days: int) -> date:
    """The last day of a grant of so many days, which follow what the reader already has. Raises NoGrantedDays, HasSubscription."""
    if days < 1:
        raise NoGrantedDays
    subscription = live_of(ctx.session, reader_id)
    if subscription is not None and subscription.cancels_at is None:
        raise HasSubscription
    before = last_of(ctx, reader_id)
    ends = [before.until if before else None, subscription.cancels_at if subscription else None]
    return max([ctx.today, *(ctx.site.last_day(end) for end in ends if end)]) + timedelta(days=days)


def give(ctx: TransactionContext, reader_id: str, days: int, *, reason: str, invites: bool = False) -> Grant:
    """Open everything to the reader for so many days, and mail them; `invites` them to an account that they don't know of yet.
    Raises NoGrantedDays, HasSubscription."""
    last_day = last_day_of(ctx, reader_id, days)
    plan, _ = plan_on_offer(ctx.session, ctx.today)
    grant = Grant(
        id=ids.new("grt", ctx.at),
        reader_id=reader_id,
        given_at=ctx.at,
        until=start_of_day(last_day + timedelta(days=1), ctx.zone),
        features=list(plan.features),
        **acted_by(ctx.actor),
        reason=reason,
    )
    ctx.session.add(grant)
    ctx.session.flush()
    complimentary(ctx, grant, last_day, invites=invites)
    return grant
