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
from billing.platform.actors import WORKER, Actor, acted_by
from billing.platform.db import Database
from billing.platform.site import Office
from billing.readers.register import by_id
from billing.rules import price_notice
from billing.rules.lifecycle import Event, State
from billing.rules.money import Money
from billing.rules.periods import at_time
from billing.subscriptions import period
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import (
    Because,
    NoticeState,
    Plan,
    Price,
    PriceChange,
    PriceNotice,
    Subscription,
)
from billing.subscriptions.plans import add_price

LOOK_AT = time(6)
LOOK_EVERY = timedelta(days=5)
"""Often enough: a notice may be sent on any of the fifteen days from 45 to 31 before its period."""
BATCH = 200


def plan_change(
    session: Session, plan_id: str, cents: int, first_day: date, *, today: date, at: datetime, by: Actor
) -> PriceChange:
    """Another price: for who starts from `first_day` on, and, each after their notice, for those who have subscribed.

    It takes the place of a change that was planned earlier and not told yet. Raises UnknownPlan, PastPrice."""
    added = add_price(session, plan_id, cents, first_day, today=today, at=at)
    earlier = session.exec(
        select(PriceChange)
        .join(Price, col(Price.id) == PriceChange.price_id)
        .where(Price.plan_id == plan_id, col(PriceChange.closed_at).is_(None))
    )
    for one in earlier.all():
        one.closed_at = at
        session.add(one)
    planned = PriceChange(id=ids.new("pch", at), price_id=added.id, planned_at=at, **acted_by(by), look_at=at)
    session.add(planned)
    session.flush()
    return planned


def announce_due(database: Database, office: Office, at: datetime) -> int:
    """Tell everybody whose turn it is; how many were told. A change is looked at every few days."""
    told = 0
    while True:
        with database.transaction() as session:
            due = session.exec(_open().where(PriceChange.look_at <= at).limit(1)).first()
        if due is None:
            return told
        _put_off_late(database, office, due, at)
        after: str | None = ""
        while after is not None:
            with database.transaction() as session:
                after, count = _tell_some(session, office, due, after, at)
                told += count
        with database.transaction() as session:
            _look_again(session, office, due.id, at)


def _open() -> SelectOfScalar[PriceChange]:
    return select(PriceChange).where(col(PriceChange.closed_at).is_(None)).order_by(col(PriceChange.look_at))


def _put_off_late(database: Database, office: Office, planned: PriceChange, at: datetime) -> None:
    """Notices that no mail server took, and that are too late by now: those readers are told again when another period's turn
    has come."""
    with database.transaction() as session:
        late = session.exec(
            select(PriceNotice.subscription_id).where(
                PriceNotice.change_id == planned.id,
                PriceNotice.state == NoticeState.TOLD,
                PriceNotice.starts_on <= price_notice.earliest_start(office.today(at)),
            )
        ).all()
    for subscription_id in late:
        with database.transaction() as session:
            s = lock(session, subscription_id)
            notice = open_notice(session, subscription_id)
            announced = s.next_terms_because is Because.PRICE and s.state is State.ACTIVE
            if notice is not None and announced and not s.charging_since:
                put_off_price(session, office, s, notice, at)


def _tell_some(
    session: Session, office: Office, planned: PriceChange, after: str, at: datetime
) -> tuple[str | None, int]:
    """One batch; where the next one begins, and how many were told."""
    new = session.get_one(Price, planned.price_id)
    found = session.exec(
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
    told = sum(_tell(session, office, planned, new, subscription_id, at) for subscription_id in found)
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


def _tell(
    session: Session, office: Office, planned: PriceChange, new: Price, subscription_id: str, at: datetime
) -> bool:
    """Announce the price to one subscription if its turn has come: a notice, and the period it is for."""
    s = lock(session, subscription_id)
    if s.state is not State.ACTIVE or s.cancels_at is not None or s.next_price_id is not None:
        return False
    today = office.today(at)
    months = session.get_one(Plan, s.plan_id).months
    earliest = max(new.valid_from, price_notice.earliest_start(today))
    starts_on = period.first_from(s, earliest, months).start_on
    if not price_notice.is_time(today, starts_on) or _is_refused(session, planned, s):
        return False
    notice = PriceNotice(
        id=ids.new("pno", at),
        change_id=planned.id,
        subscription_id=s.id,
        reader_id=s.reader_id,
        state=NoticeState.TOLD,
        text_version=PRICE_NOTICE_TEXT,
        starts_on=starts_on,
        told_at=at,
    )
    session.add(notice)
    session.flush()
    change(
        session,
        s,
        Event.PRICE_ANNOUNCED,
        at=at,
        by=WORKER,
        why=f"{new.amount} cents from {starts_on}",
        zone=office.zone,
        next_price_id=new.id,
        next_terms_on=starts_on,
        next_terms_because=Because.PRICE,
    )
    price_changing(session, office, s, notice, new, at)
    session.add(s)
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


def _look_again(session: Session, office: Office, change_id: str, at: datetime) -> None:
    """Until each reader pays the new price, or has chosen something else, and no one can still start at the old price. A notice
    that was sent may yet fail to arrive."""
    planned = session.get_one(PriceChange, change_id)
    new = session.get_one(Price, planned.price_id)
    today = office.today(at)
    left = _at_earlier_price(planned, new, NoticeState.HOLDS, NoticeState.MOOT)
    if today >= new.valid_from and session.exec(left.limit(1)).first() is None:
        planned.closed_at = at
    planned.look_at = at_time(today + LOOK_EVERY, LOOK_AT, office.zone)
    session.add(planned)


NEXT_DUE = "SELECT min(look_at) FROM price_change WHERE closed_at IS NULL"
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
