"""Queries about plans and subscriptions. Nothing here changes anything."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from billing.platform.errors import Invalid, NotFound
from billing.platform.read_together import Rows, read_rows
from billing.readers.models import Reader
from billing.rules.lifecycle import Event, State
from billing.rules.money import Money
from billing.subscriptions.models import OfferedTo, Plan, Price, Subscription, SubscriptionChange


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """A plan that may be started."""

    id: str
    period_label: str
    months: int
    trial_days: int
    then_plan_id: str | None
    features: list[str]


@dataclass(frozen=True, slots=True)
class OfferedPrice:
    """What a plan costs those who start it on a day."""

    id: str
    amount: int
    currency: str

    @property
    def money(self) -> Money:
        """The price of a period."""
        return Money(self.amount, self.currency)


AnyPlan = Plan | OfferedPlan
AnyPrice = Price | OfferedPrice


class NothingOnSale(NotFound):
    """There is no plan with a price today. Offer one with `billing plans`."""

    code = "nothing_on_sale"


class NotOffered(Invalid):
    """This plan is not offered."""

    code = "plan_not_offered"


def live_of(session: Session, reader_id: str) -> Subscription | None:
    """The reader's one subscription that hasn't ended."""
    return session.scalars(_LIVE, {"reader_id": reader_id}).first()


def stopped_by_bank(session: Session, subscription: Subscription) -> bool:
    """Whether a bank stopped it last, not its reader."""
    last = session.exec(
        select(SubscriptionChange.event)
        .where(
            SubscriptionChange.subscription_id == subscription.id,
            col(SubscriptionChange.event).in_((Event.CANCEL_ASKED, Event.DISPUTED)),
        )
        .order_by(col(SubscriptionChange.id).desc())
    ).first()
    return last is Event.DISPUTED


def latest_of(session: Session, reader_id: str) -> Subscription | None:
    """The reader's live subscription, else the one that began last."""
    return session.scalars(LATEST, {"reader_id": reader_id}).first()


# Statements are made once: building one takes as long as running it.
_OF_READER = sa.select(Subscription).where(col(Subscription.reader_id) == sa.bindparam("reader_id"))
_LIVE = _OF_READER.where(col(Subscription.state) != State.ENDED)
RUNS = (
    sa.exists()
    .where(col(Subscription.reader_id) == col(Reader.id), col(Subscription.state) != State.ENDED)
    .label("runs")
)
"""A column for a query of readers: whether the reader has a subscription that hasn't ended."""
# a live one has no end, so it comes first
LATEST = _OF_READER.order_by(
    col(Subscription.ended_at).desc().nulls_first(), col(Subscription.id).desc()
).limit(1)
"""The statement of `latest_of`, for `:reader_id`, to add columns to."""


def _price_of(plan_id: Any) -> Any:
    """The plan's newest price on `:today`, as a lateral table. `plan_id` is a column."""
    newest_first = (col(Price.valid_from).desc(), col(Price.id).desc())
    of_plan = sa.select(Price).where(col(Price.plan_id) == plan_id, col(Price.valid_from) <= _TODAY)
    return aliased(Price, of_plan.order_by(*newest_first).limit(1).lateral())


_TODAY: Any = sa.bindparam("today")
_PRICE, _THEN_PRICE = _price_of(Plan.id), _price_of(Plan.then_plan_id)
_ON_SALE = (
    sa.select(Plan, _PRICE)
    .select_from(Plan)
    .join(_PRICE, sa.true())
    .where(col(Plan.id) == sa.bindparam("plan_id"))
)


def on_sale(session: Session, today: date, plan_id: str) -> tuple[Plan, Price]:
    """The plan and its newest price, offered or not: a fixed term goes on as it. Raises NothingOnSale."""
    found = session.execute(_ON_SALE, {"plan_id": plan_id, "today": today}).first()
    if found is None:
        raise NothingOnSale
    plan, price = found
    return plan, price


_PRICE_COLUMNS = len(fields(OfferedPrice))
ON_OFFER = (
    sa.select(
        *(getattr(price, field.name) for price in (_PRICE, _THEN_PRICE) for field in fields(OfferedPrice)),
        *(getattr(Plan, field.name) for field in fields(OfferedPlan)),
    )
    .select_from(Plan)
    .join(_PRICE, sa.true())
    .outerjoin(_THEN_PRICE, sa.true())
    .where(col(Plan.offered_to) == sa.any_(sa.bindparam("audience", type_=ARRAY(sa.Text))))
    .order_by(col(Plan.position), col(Plan.id))
)
"""The query of `plans_on_offer`, for `:today` and `:audience`; `offered` takes its rows."""
EVERYONE = [OfferedTo.EVERYONE.value]
_WITH_STAFF = [*EVERYONE, OfferedTo.STAFF.value]
OnOffer = tuple[OfferedPlan, OfferedPrice, OfferedPrice | None]
"""A plan, its price, and the price of the plan that follows a fixed term."""


def plans_on_offer(session: Session, today: date, *, by_staff: bool = False) -> list[OnOffer]:
    """What may be started today, in the order of the pages."""
    audience = _WITH_STAFF if by_staff else EVERYONE
    return offered(read_rows(session, ON_OFFER, today=today, audience=audience))


def offered(rows: Rows) -> list[OnOffer]:
    """What these rows offer."""
    return [
        _offered(row[:_PRICE_COLUMNS], row[_PRICE_COLUMNS:][:_PRICE_COLUMNS], row[2 * _PRICE_COLUMNS :])
        for row in rows
    ]


def _offered(price: tuple[Any, ...], then_price: tuple[Any, ...], plan: tuple[Any, ...]) -> OnOffer:
    has_then = then_price[0] is not None
    return OfferedPlan(*plan), OfferedPrice(*price), OfferedPrice(*then_price) if has_then else None


def one_on_offer(
    session: Session, today: date, plan_id: str | None = None, *, by_staff: bool = False
) -> OnOffer:
    """What may be started today by this id; without an id the first that everyone is offered.

    Raises NothingOnSale without any, NotOffered for this one."""
    return the_one(plans_on_offer(session, today, by_staff=by_staff and plan_id is not None), plan_id)


def the_one(found: Sequence[OnOffer], plan_id: str | None) -> OnOffer:
    """The plan with this id among those on offer; without an id the first. Raises as `one_on_offer`."""
    if plan_id is None and not found:
        raise NothingOnSale
    for offer in found:
        if plan_id in (None, offer[0].id):
            return offer
    raise NotOffered


def plan_on_offer(
    session: Session, today: date, plan_id: str | None = None, *, by_staff: bool = False
) -> tuple[OfferedPlan, OfferedPrice]:
    """The plan with its price, as `one_on_offer`."""
    plan, price, _ = one_on_offer(session, today, plan_id, by_staff=by_staff)
    return plan, price


def plans(session: Session) -> list[Plan]:
    """Every plan, in the order of the pages."""
    return list(session.exec(select(Plan).order_by(col(Plan.position), col(Plan.id))))


def terms_of(session: Session, subscription: Subscription) -> tuple[Plan, Price]:
    """The plan and the price the reader agreed to."""
    plan = session.get_one(Plan, subscription.plan_id)
    return plan, session.get_one(Price, subscription.price_id)


def load_terms(session: Session, subscriptions: Sequence[Subscription]) -> None:
    """Read the prices and plans of many subscriptions, so that `terms_of` makes no query where the session holds them (`db.keep_loaded`)."""
    price_ids = {subscription.price_id for subscription in subscriptions}
    if price_ids:
        query = select(Price, Plan).join(Plan, col(Plan.id) == Price.plan_id)
        session.exec(query.where(col(Price.id).in_(price_ids))).all()


def terms_on(session: Session, subscription: Subscription, on: date | None) -> tuple[Plan, Price]:
    """The plan and the price of a charge on that day: the agreed ones, or those chosen or announced for then. After a paid year
    without an announcement they are those of the month that follows (CPA-2)."""
    s = subscription
    if on is not None and s.next_price_id and s.next_terms_on and on >= s.next_terms_on:
        price = session.get_one(Price, s.next_price_id)
        return session.get_one(Plan, price.plan_id), price
    plan, price = terms_of(session, s)
    if on is None or s.period_end_on is None or on < s.period_end_on or plan.then_plan_id is None:
        return plan, price
    return on_sale(session, on, plan.then_plan_id)


def prices(session: Session, plan_id: str | None = None) -> list[Price]:
    """Every price, by plan and first day; or those of one plan."""
    query = select(Price).order_by(col(Price.plan_id), col(Price.valid_from), col(Price.id))
    return list(session.exec(query if plan_id is None else query.where(Price.plan_id == plan_id)))
