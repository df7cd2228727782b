"""The rows of the lists of readers and of subscriptions."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from billing.payments.models import Invoice, InvoiceState
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.staff.lists import listing, readers, subscriptions
from billing.staff.lists.listing import Listing, Order
from billing.staff.lists.readers import ReaderFilter, ReaderStanding
from billing.staff.lists.subscriptions import SubscriptionFilter, SubscriptionStanding
from billing.subscriptions.models import Plan, Price, Subscription
from billing.subscriptions.schedule import next_charge


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A reader with a subscription: in a list of readers the running one, else the last; None without any.

    `price`: of a period, VAT included. `next_charge_on`: None where nothing is charged. `owed`: an invoice whose charge failed.
    `ends_on`: the last day, where it has ended or is cancelled."""

    reader_id: str
    email: str
    external_id: str | None
    since: datetime
    subscription: Subscription | None
    plan: str | None
    period: str | None
    price: Money | None
    next_charge_on: date | None
    owed: Money | None
    ends_on: date | None


def of_readers(ctx: TransactionContext, wanted: ReaderFilter) -> Listing[SubscriberRow]:
    """Readers who fit, in the order of the subscription that is asked for; else the newest first."""
    if readers.is_by_subscription(wanted):
        is_ended = wanted.state is ReaderStanding.ENDED
        by = _by_standing(
            SubscriptionFilter(SubscriptionStanding.ENDED) if is_ended else readers.of_subscription(wanted)
        )
        if not wanted.since or (by is not None and not is_ended):
            return _listing(ctx, readers.reader_ids(ctx, wanted), by or Order(col(Subscription.id)))
    is_free = wanted.state is ReaderStanding.FREE  # found by reading both tables
    if wanted.since:
        order = Order(col(Reader.id), place=col(Reader.created_at), read=listing.moment)
    else:
        order = Order(col(Reader.id))

    def whole(listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
        last_first = (col(Subscription.ended_at).desc().nulls_first(), col(Subscription.id).desc())
        latest = sa.select(Subscription).where(col(Subscription.reader_id) == listed.c.id)
        held = aliased(Subscription, latest.order_by(*last_first).limit(1).lateral(), name="held")
        query = sa.select(*listed.c, *_columns(held))
        query = query.select_from(listed).join(Reader, col(Reader.id) == listed.c.id)
        return _with_terms(query.outerjoin(held, sa.true()), held)

    fits = readers.reader_ids(ctx, wanted).with_only_columns(*order.columns)
    return Listing(fits, order, whole, lambda row: _row(ctx, row), is_counted=not is_free)


def of_subscriptions(ctx: TransactionContext, wanted: SubscriptionFilter) -> Listing[SubscriberRow]:
    """Subscriptions that fit: as they stand, or by the next charge, where that is asked for; else by the moment that is; else the
    newest first."""
    order = _by_standing(wanted)
    if order is None:
        moments = {"cancelled": "cancel_asked_at", "ended": "ended_at", "since": "started_at"}
        asked = next((column for name, column in moments.items() if getattr(wanted, name)), None)
        place = col(getattr(Subscription, asked)) if asked else None
        order = Order(col(Subscription.id), place=place, read=listing.moment)
    return _listing(ctx, subscriptions.reader_ids(ctx, wanted), order)


def _listing(ctx: TransactionContext, fits: sa.Select[str], order: Order) -> Listing[SubscriberRow]:
    """By the ids of subscriptions."""

    def whole(listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
        held = aliased(Subscription, name="held")
        query = sa.select(*listed.c, *_columns(held)).select_from(listed)
        query = query.join(held, col(held.id) == listed.c.id)
        return _with_terms(query.join(Reader, col(Reader.id) == col(held.reader_id)), held)

    return Listing(fits.with_only_columns(*order.columns), order, whole, lambda row: _row(ctx, row))


def _by_standing(wanted: SubscriptionFilter) -> Order | None:
    """The order of an index that has few others than those who stand so; None where none does."""
    standing = wanted.state
    if standing is SubscriptionStanding.ENDED:
        return Order(col(Subscription.id), place=col(Subscription.ended_at), read=listing.moment)
    by = partial(Order, col(Subscription.id), newest_first=False)
    if standing is SubscriptionStanding.CANCELLED:
        return by(place=col(Subscription.cancels_at), read=listing.moment)
    if wanted.owing:
        standing = SubscriptionStanding.OVERDUE
    if wanted.due or standing not in (None, SubscriptionStanding.PAID):
        return by(place=subscriptions.next_charge_of(standing), read=listing.civil_day)
    return None


def _columns(held: Any) -> list[Any]:
    owed = sa.select(sa.func.sum(col(Invoice.gross))).where(
        col(Invoice.subscription_id) == held.id,
        col(Invoice.state) == InvoiceState.OPEN,
        col(Invoice.first_failed_on).is_not(None),
    )
    of_reader = [
        col(Reader.id).label("reader_id"),
        col(Reader.email),
        col(Reader.external_id),
        col(Reader.created_at),
    ]
    terms = [col(Plan.name).label("plan"), col(Plan.period_label), col(Price.amount), col(Price.currency)]
    return [*of_reader, held, *terms, owed.scalar_subquery().label("owed")]


def _with_terms(query: sa.Select[*tuple[Any, ...]], held: Any) -> sa.Select[*tuple[Any, ...]]:
    priced = query.outerjoin(Price, col(Price.id) == held.price_id)
    return priced.outerjoin(Plan, col(Plan.id) == held.plan_id)


def _row(ctx: TransactionContext, row: Any) -> SubscriberRow:
    held: Subscription | None = row.held
    charge = next_charge(held, ctx.zone) if held is not None else None
    end = (held.ended_at or held.cancels_at) if held is not None else None
    return SubscriberRow(
        reader_id=row.reader_id,
        email=row.email,
        external_id=row.external_id,
        since=row.created_at,
        subscription=held,
        plan=row.plan,
        period=row.period_label,
        price=Money(row.amount, row.currency) if held is not None else None,
        next_charge_on=charge.on if charge else None,
        owed=Money(row.owed) if row.owed else None,
        ends_on=ctx.site.last_day(end) if end else None,
    )
