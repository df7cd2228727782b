"""Another price for subscribers. An operator plans it, and each subscriber gets a notice a month ahead. They pay it only where
the notice arrived (CARD-8, CPA-8)."""

from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.changes.next_terms import open_notice, postpone_price
from billing.mail import unreachable
from billing.mail.models import Message, MessageState
from billing.notices.price import PRICE_NOTICE_TEXT, price_changing
from billing.platform import ids
from billing.platform.actors import WORKER, acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.readers.register import by_id
from billing.rules import price_notice
from billing.rules.lifecycle import Event, State
from billing.rules.periods import at_time
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import (
    NoticeState,
    Plan,
    Price,
    PriceChange,
    PriceNotice,
    Subscription,
    TermsChangeReason,
)
from billing.subscriptions.plans import add_price
from billing.subscriptions.schedule import first_period_from

RUN_AT = time(6)
RUN_EVERY = timedelta(days=5)
"""Often enough: a notice may be sent on fifteen days, from 45 to 31 days before its period."""
BATCH = 200


class YearKeepsPrice(Invalid):
    """A year keeps its price until it is over: set one for new readers, and for everyone the price of the month that follows."""

    code = "year_keeps_price"


def plan_change(
    ctx: TransactionContext, plan_id: str, cents: int, first_day: date, *, today: date
) -> PriceChange:
    """Plan another price: for readers who start from `first_day` on, and for subscribers after their notice.

    It replaces a planned change that isn't announced yet. Raises UnknownPlan, PastPrice, YearKeepsPrice."""
    added = add_price(ctx, plan_id, cents, first_day, today=today)
    if ctx.session.get_one(Plan, plan_id).then_plan_id is not None:
        raise YearKeepsPrice
    earlier = ctx.session.exec(
        select(PriceChange)
        .join(Price, col(Price.id) == PriceChange.price_id)
        .where(Price.plan_id == plan_id, col(PriceChange.closed_at).is_(None))
    )
    for replaced in earlier:
        replaced.closed_at = ctx.at
    planned = PriceChange(
        id=ids.new("pch", ctx.at),
        price_id=added.id,
        planned_at=ctx.at,
        **acted_by(ctx.actor),
        next_run_at=ctx.at,
    )
    ctx.session.add(planned)
    ctx.session.flush()
    return planned


def announce_due(database: Database, site: Site, at: datetime) -> int:
    """Send the notices that are due; how many. A change is checked every few days."""
    sent = 0
    while True:
        with database.transaction() as session:
            due = session.exec(_open().where(PriceChange.next_run_at <= at).limit(1)).first()
        if due is None:
            return sent
        _postpone_late(database, site, due, at)
        after: str | None = ""
        while after is not None:
            with database.begin(site, at, WORKER) as ctx:
                after, count = _announce_batch(ctx, due, after)
                sent += count
        with database.begin(site, at, WORKER) as ctx:
            _schedule_next(ctx, due.id)


def planned_prices(session: Session) -> set[str]:
    """Ids of the prices that subscribers are still being told of."""
    return {planned.price_id for planned in session.exec(_open())}


def _open() -> SelectOfScalar[PriceChange]:
    return (
        select(PriceChange).where(col(PriceChange.closed_at).is_(None)).order_by(col(PriceChange.next_run_at))
    )


def _postpone_late(database: Database, site: Site, planned: PriceChange, at: datetime) -> None:
    """Void notices that no mail server accepted and that are too late by now. Their readers get another one for a later period."""
    with database.transaction() as session:
        late = session.exec(
            select(PriceNotice.subscription_id).where(
                PriceNotice.change_id == planned.id,
                PriceNotice.state == NoticeState.ANNOUNCED,
                PriceNotice.starts_on <= price_notice.earliest_start(site.today(at)),
            )
        ).all()
    for subscription_id in late:
        with database.begin(site, at, WORKER) as ctx:
            s = lock(ctx.session, subscription_id)
            notice = open_notice(ctx.session, subscription_id)
            announced = s.next_terms_because is TermsChangeReason.PRICE and s.state is State.ACTIVE
            if notice is not None and announced and not s.charging_since:
                postpone_price(ctx, s, notice)


def _announce_batch(ctx: TransactionContext, planned: PriceChange, after: str) -> tuple[str | None, int]:
    """Announce the price to one batch; where the next one begins, and the number of notices."""
    new = ctx.session.get_one(Price, planned.price_id)
    found = ctx.session.exec(
        _at_earlier_price(planned, new, NoticeState.ANNOUNCED, NoticeState.HOLDS, NoticeState.MOOT)
        .where(
            Subscription.state == State.ACTIVE,
            col(Subscription.cancels_at).is_(None),
            col(Subscription.next_price_id).is_(None),
            col(Subscription.period_end_on).is_not(None),
            Subscription.id > after,
        )
        .order_by(col(Subscription.id))
        .limit(BATCH)
    ).all()
    sent = sum(_announce(ctx, planned, new, subscription_id) for subscription_id in found)
    return (found[-1] if len(found) == BATCH else None), sent


def _at_earlier_price(planned: PriceChange, new: Price, *but: NoticeState) -> SelectOfScalar[str]:
    """Subscriptions of the plan at an earlier price that have no notice of this change in one of these states."""
    notices = sa.exists().where(
        col(PriceNotice.change_id) == planned.id,
        col(PriceNotice.subscription_id) == Subscription.id,
        col(PriceNotice.state).in_(but),
    )
    return (
        select(Subscription.id)
        .join(Price, col(Price.id) == Subscription.price_id)
        .join(Plan, col(Plan.id) == Subscription.plan_id)
        .where(
            Subscription.plan_id == new.plan_id,
            Subscription.state != State.ENDED,
            col(Plan.then_plan_id).is_(None),  # the notice of a year's end names what follows
            Price.id != new.id,
            Price.valid_from <= new.valid_from,
            ~notices,
        )
    )


def _announce(ctx: TransactionContext, planned: PriceChange, new: Price, subscription_id: str) -> bool:
    """Announce the price for the next possible period of a subscription, if its notice is due today; whether it was."""
    s = lock(ctx.session, subscription_id)
    if s.state is not State.ACTIVE or s.cancels_at is not None or s.next_price_id is not None:
        return False
    today = ctx.today
    months = ctx.session.get_one(Plan, s.plan_id).months
    earliest = max(new.valid_from, price_notice.earliest_start(today))
    starts_on = first_period_from(s, earliest, months).start_on
    if not price_notice.is_time(today, starts_on) or _is_refused(ctx.session, planned, s):
        return False
    notice = PriceNotice(
        id=ids.new("pno", ctx.at),
        change_id=planned.id,
        subscription_id=s.id,
        reader_id=s.reader_id,
        state=NoticeState.ANNOUNCED,
        text_version=PRICE_NOTICE_TEXT,
        starts_on=starts_on,
        announced_at=ctx.at,
    )
    ctx.session.add(notice)
    ctx.session.flush()
    change(
        ctx,
        s,
        Event.PRICE_ANNOUNCED,
        reason=f"{new.amount} cents from {starts_on}",
        next_price_id=new.id,
        next_terms_on=starts_on,
        next_terms_because=TermsChangeReason.PRICE,
    )
    price_changing(ctx, s, notice, new)
    return True


def _is_refused(session: Session, planned: PriceChange, subscription: Subscription) -> bool:
    """Whether an earlier notice of this change failed, and the address still refuses mail: another would fail too."""
    earlier = select(PriceNotice.id).where(
        PriceNotice.change_id == planned.id, PriceNotice.subscription_id == subscription.id
    )
    if session.exec(earlier.limit(1)).first() is None:
        return False
    reader = by_id(session, subscription.reader_id)
    return unreachable.refuses(session, reader.id, reader.email)


def _schedule_next(ctx: TransactionContext, change_id: str) -> None:
    """Schedule the next check, or close the change: once no reader can start at the old price, and each pays the new one or chose
    another plan. A notice that was sent may still fail."""
    planned = ctx.session.get_one(PriceChange, change_id)
    new = ctx.session.get_one(Price, planned.price_id)
    left = _at_earlier_price(planned, new, NoticeState.HOLDS, NoticeState.MOOT)
    if ctx.today >= new.valid_from and ctx.session.exec(left.limit(1)).first() is None:
        planned.closed_at = ctx.at
    planned.next_run_at = at_time(ctx.today + RUN_EVERY, RUN_AT, ctx.zone)


NEXT_DUE = "SELECT min(next_run_at) FROM price_change WHERE closed_at IS NULL"
"""When a change is checked next (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """The next check in words, for people."""
    due = session.exec(_open().limit(1)).first()
    if due is None:
        return "nothing"
    new = session.get_one(Price, due.price_id)
    amount = new.money.with_vat_words()
    return f"we look whom to tell of the new price of {amount}"


def failed_notices(session: Session) -> list[tuple[PriceNotice, Message | None]]:
    """Notices of another price that did not arrive, oldest first, each with its mail; of each reader the newest. Staff may reach
    the reader otherwise, and the old price stays until a notice arrives. Notices that a reader's choice took back are left
    out: they are sent again automatically."""
    newer = aliased(PriceNotice)
    rows = session.exec(
        select(PriceNotice, Message)
        .join(Message, col(Message.key) == "price-notice:" + col(PriceNotice.id), isouter=True)
        .join(Subscription, col(Subscription.id) == PriceNotice.subscription_id)
        .where(
            Subscription.state != State.ENDED,
            ~sa.exists().where(
                col(newer.change_id) == PriceNotice.change_id,
                col(newer.subscription_id) == PriceNotice.subscription_id,
                col(newer.id) > PriceNotice.id,
            ),
            sa.or_(
                sa.and_(
                    col(PriceNotice.state) == NoticeState.KEPT,
                    col(Message.state).is_distinct_from(MessageState.OBSOLETE),
                ),
                sa.and_(
                    col(PriceNotice.state) == NoticeState.ANNOUNCED,
                    col(Message.state).in_((MessageState.REFUSED, MessageState.EXPIRED)),
                ),
            ),
        )
        .order_by(col(PriceNotice.id))
        .limit(500)
    )
    return [(notice, message) for notice, message in rows]
