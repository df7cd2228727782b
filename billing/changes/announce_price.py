"""Another price for those who have subscribed: planned by an operator, told to each a month ahead, charged only where the
notice arrived (CARD-8, CPA-8)."""

from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.changes.next_terms import open_notice, put_off_price
from billing.mail import unreachable
from billing.mail.models import Message, MessageState
from billing.notices.plan import PRICE_NOTICE_TEXT, price_changing
from billing.platform import ids
from billing.platform.actors import WORKER, acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.site import Site
from billing.readers.register import by_id
from billing.rules import price_notice
from billing.rules.lifecycle import Event, State
from billing.rules.money import Money
from billing.rules.periods import at_time
from billing.subscriptions import period
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

LOOK_AT = time(6)
LOOK_EVERY = timedelta(days=5)
"""Often enough: a notice may be sent on any of the fifteen days from 45 to 31 before its period."""
BATCH = 200


def plan_change(
    ctx: TransactionContext, plan_id: str, cents: int, first_day: date, *, today: date
) -> PriceChange:
    """Another price: for who starts from `first_day` on, and, each after their notice, for those who have subscribed.

    It takes the place of a change that was planned earlier and not told yet. Raises UnknownPlan, PastPrice."""
    added = add_price(ctx, plan_id, cents, first_day, today=today)
    earlier = ctx.session.exec(
        select(PriceChange)
        .join(Price, col(Price.id) == PriceChange.price_id)
        .where(Price.plan_id == plan_id, col(PriceChange.closed_at).is_(None))
    )
    for one in earlier.all():
        one.closed_at = ctx.at
        ctx.session.add(one)
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
    """Tell everybody whose turn it is; how many were told. A change is looked at every few days."""
    told = 0
    while True:
        with database.transaction() as session:
            due = session.exec(_open().where(PriceChange.next_run_at <= at).limit(1)).first()
        if due is None:
            return told
        _put_off_late(database, site, due, at)
        after: str | None = ""
        while after is not None:
            with database.begin(site, at, WORKER) as ctx:
                after, count = _tell_some(ctx, due, after)
                told += count
        with database.begin(site, at, WORKER) as ctx:
            _look_again(ctx, due.id)


def _open() -> SelectOfScalar[PriceChange]:
    return (
        select(PriceChange).where(col(PriceChange.closed_at).is_(None)).order_by(col(PriceChange.next_run_at))
    )


def _put_off_late(database: Database, site: Site, planned: PriceChange, at: datetime) -> None:
    """Notices that no mail server took, and that are too late by now: those readers are told again when another period's turn
    has come."""
    with database.transaction() as session:
        late = session.exec(
            select(PriceNotice.subscription_id).where(
                PriceNotice.change_id == planned.id,
                PriceNotice.state == NoticeState.TOLD,
                PriceNotice.starts_on <= price_notice.earliest_start(site.today(at)),
            )
        ).all()
    for subscription_id in late:
        with database.begin(site, at, WORKER) as ctx:
            s = lock(ctx.session, subscription_id)
            notice = open_notice(ctx.session, subscription_id)
            announced = s.next_terms_reason is TermsChangeReason.PRICE and s.state is State.ACTIVE
            if notice is not None and announced and not s.charging_since:
                put_off_price(ctx, s, notice)


def _tell_some(ctx: TransactionContext, planned: PriceChange, after: str) -> tuple[str | None, int]:
    """One batch; where the next one begins, and how many were told."""
    new = ctx.session.get_one(Price, planned.price_id)
    found = ctx.session.exec(
        _waiting(planned, new)
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
    told = sum(_tell(ctx, planned, new, subscription_id) for subscription_id in found)
    return (found[-1] if len(found) == BATCH else None), told


def _waiting(planned: PriceChange, new: Price) -> SelectOfScalar[str]:
    """Those of the plan, at an earlier price, whom no notice of this change has reached or may still reach."""
    return _at_earlier_price(planned, new, NoticeState.TOLD, NoticeState.HOLDS, NoticeState.MOOT)


def _at_earlier_price(planned: PriceChange, new: Price, *but: NoticeState) -> SelectOfScalar[str]:
    """Those of the plan at an earlier price, without those who have a notice of this change in one of these states."""
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
            col(Plan.then_plan_id).is_(None),  # a year ends, and what follows is told then
            Price.id != new.id,
            Price.valid_from <= new.valid_from,
            ~notices,
        )
    )


def _tell(ctx: TransactionContext, planned: PriceChange, new: Price, subscription_id: str) -> bool:
    """Announce the price to one subscription if its turn has come: a notice, and the period it is for."""
    s = lock(ctx.session, subscription_id)
    if s.state is not State.ACTIVE or s.cancels_at is not None or s.next_price_id is not None:
        return False
    today = ctx.today
    months = ctx.session.get_one(Plan, s.plan_id).months
    earliest = max(new.valid_from, price_notice.earliest_start(today))
    starts_on = period.first_from(s, earliest, months).start_on
    if not price_notice.is_time(today, starts_on) or _is_refused(ctx.session, planned, s):
        return False
    notice = PriceNotice(
        id=ids.new("pno", ctx.at),
        change_id=planned.id,
        subscription_id=s.id,
        reader_id=s.reader_id,
        state=NoticeState.TOLD,
        text_version=PRICE_NOTICE_TEXT,
        starts_on=starts_on,
        told_at=ctx.at,
    )
    ctx.session.add(notice)
    ctx.session.flush()
    change(
        ctx.acting_as(WORKER),
        s,
        Event.PRICE_ANNOUNCED,
        reason=f"{new.amount} cents from {starts_on}",
        next_price_id=new.id,
        next_terms_on=starts_on,
        next_terms_reason=TermsChangeReason.PRICE,
    )
    price_changing(ctx, s, notice, new)
    ctx.session.add(s)
    return True


def _is_refused(session: Session, planned: PriceChange, subscription: Subscription) -> bool:
    """Whether an earlier notice of this change did not arrive, and the address still takes no mail: another would not either."""
    earlier = select(PriceNotice.id).where(
        PriceNotice.change_id == planned.id, PriceNotice.subscription_id == subscription.id
    )
    if session.exec(earlier.limit(1)).first() is None:
        return False
    reader = by_id(session, subscription.reader_id)
    return unreachable.refuses(session, reader.id, reader.email)


def _look_again(ctx: TransactionContext, change_id: str) -> None:
    """Until each reader pays the new price, or has chosen something else, and no one can still start at the old price. A notice
    that was sent may yet fail to arrive."""
    planned = ctx.session.get_one(PriceChange, change_id)
    new = ctx.session.get_one(Price, planned.price_id)
    today = ctx.today
    left = _at_earlier_price(planned, new, NoticeState.HOLDS, NoticeState.MOOT)
    if today >= new.valid_from and ctx.session.exec(left.limit(1)).first() is None:
        planned.closed_at = ctx.at
    planned.next_run_at = at_time(today + LOOK_EVERY, LOOK_AT, ctx.zone)
    ctx.session.add(planned)


NEXT_DUE = "SELECT min(next_run_at) FROM price_change WHERE closed_at IS NULL"
"""When a change wants looking at next (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """The next look, for people."""
    due = session.exec(_open().limit(1)).first()
    if due is None:
        return "nothing"
    new = session.get_one(Price, due.price_id)
    amount = Money(new.amount, new.currency).with_vat_words()
    return f"we look whom to tell of the new price of {amount}"


def untold(session: Session) -> list[tuple[PriceNotice, Message | None]]:
    """Notices of another price that did not arrive, oldest first, each with its mail: for staff, who may find another way.
    The old price stays until the reader was told. Of each reader the newest; one that was taken back, because of what the
    reader chose, is sent again without anyone."""
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
                    col(PriceNotice.state) == NoticeState.TOLD,
                    col(Message.state).in_((MessageState.REFUSED, MessageState.EXPIRED)),
                ),
            ),
        )
        .order_by(col(PriceNotice.id))
        .limit(500)
    )
    return [(notice, message) for notice, message in rows]
