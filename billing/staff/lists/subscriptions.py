"""The list of subscriptions: running ones, and those that have ended."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.payments.models import Invoice, InvoiceState
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.rules.worded import WordedEnum
from billing.staff.lists import reader_mail, span
from billing.staff.lists.fields import (
    ChoiceField,
    Days,
    DaysField,
    Field,
    Filter,
    FlagField,
    MonthField,
    NamedField,
)
from billing.staff.lists.reader_mail import BOUNCED, NEWSLETTER
from billing.subscriptions.models import GOES_ON, NEXT_CHARGE_ON, RETRIES_ON, Price, Subscription


class SubscriptionStanding(WordedEnum):
    """How a subscription stands. One that is cancelled is nothing else, whatever is free or paid."""

    TRIAL = "trial", "in the free trial"
    PAID = "paid", "paid"
    OVERDUE = "overdue", "payment overdue"
    PAUSED = "paused", "paused"
    CANCELLED = "cancelled", "cancelled, still reading"
    ENDED = "ended", "ended"


RUNNING = {
    SubscriptionStanding.TRIAL: State.TRIALING,
    SubscriptionStanding.PAID: State.ACTIVE,
    SubscriptionStanding.OVERDUE: State.PAST_DUE,
    SubscriptionStanding.PAUSED: State.PAUSED,
}
NEXT_CHARGE: sa.ColumnElement[date] = sa.literal_column(NEXT_CHARGE_ON, sa.Date())
"""The day of the next charge, for a query of subscriptions that go on: `schedule.next_charge` in SQL, as the index has it."""
RETRY: sa.ColumnElement[date] = sa.literal_column(RETRIES_ON, sa.Date())
_GOES_ON: sa.ColumnElement[bool] = sa.literal_column(GOES_ON, sa.Boolean())


def stands(standing: SubscriptionStanding) -> sa.ColumnElement[bool]:
    """A subscription stands so."""
    cancels_at = col(Subscription.cancels_at)
    if standing is SubscriptionStanding.ENDED:
        return sa.and_(in_state(State.ENDED), col(Subscription.ended_at).is_not(None))
    if standing is SubscriptionStanding.CANCELLED:
        return sa.and_(~in_state(State.ENDED), cancels_at.is_not(None))
    return sa.and_(in_state(RUNNING[standing]), cancels_at.is_(None))


def in_state(state: State) -> sa.ColumnElement[bool]:
    """A subscription is in it. The query names it as text, so that its plan may use the index of that state alone."""
    return col(Subscription.state) == sa.literal_column(f"'{state.value}'")


def standing_of(subscription: Subscription) -> SubscriptionStanding:
    """How it stands."""
    if subscription.state is State.ENDED:
        return SubscriptionStanding.ENDED
    if subscription.cancels_at is not None:
        return SubscriptionStanding.CANCELLED
    return next(standing for standing, state in RUNNING.items() if state is subscription.state)


TERMS: tuple[Field, ...] = (
    NamedField("plan", "Plan"),
    NamedField("price", "Price"),
    DaysField("due", "Next charge"),
    MonthField("card_ends", "Card ends in"),
)
"""Fields that the list of readers has too."""


@dataclass(frozen=True, slots=True)
class SubscriptionFilter(Filter):
    """Which subscriptions to list."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        ChoiceField("state", "State", SubscriptionStanding),
        *TERMS,
        DaysField("since", "Started"),
        DaysField("cancelled", "Asked to cancel"),
        DaysField("ended", "Ended"),
        FlagField("owing", "Owes money"),
        NEWSLETTER,
        BOUNCED,
    )
    state: SubscriptionStanding | None = None
    plan: str | None = None
    price: str | None = None
    due: Days | None = None
    card_ends: date | None = None
    since: Days | None = None
    cancelled: Days | None = None
    ended: Days | None = None
    owing: bool | None = None
    newsletter: str | None = None
    bounced: bool | None = None


def conditions(ctx: TransactionContext, wanted: SubscriptionFilter) -> span.Conditions:
    """The filter, for a query of subscriptions."""
    if wanted.state is SubscriptionStanding.ENDED and (wanted.due or wanted.card_ends or wanted.owing):
        return [sa.false()]  # said here, because PostgreSQL would look at each one that ended
    return [
        *([stands(wanted.state)] if wanted.state else []),
        *_terms(ctx.session, wanted.plan, wanted.price),
        *_due(wanted.due, wanted.state),
        *_card_ends(wanted.card_ends),
        *span.moments(col(Subscription.started_at), wanted.since, ctx.zone),
        *span.moments(col(Subscription.cancel_asked_at), wanted.cancelled, ctx.zone),
        *span.ends(col(Subscription.ended_at), wanted.ended, ctx.zone),
        *([_owes()] if wanted.owing else []),
        *reader_mail.conditions(
            ctx, col(Subscription.reader_id), wanted.newsletter, bounced=bool(wanted.bounced)
        ),
    ]


def reader_ids(ctx: TransactionContext, wanted: SubscriptionFilter) -> sa.Select[str]:
    """The ids of the readers whose subscriptions fit; one with several ended ones comes several times."""
    return sa.select(col(Subscription.reader_id)).where(*conditions(ctx, wanted))


def _terms(session: Session, plan_id: str | None, price_id: str | None) -> span.Conditions:
    """It has the plan, and the price."""
    of_plan: span.Conditions = []
    if plan_id:
        # by its prices, so that one index serves both; read first, so that PostgreSQL knows how many rows have them
        prices = session.exec(select(Price.id).where(Price.plan_id == plan_id)).all()
        of_plan = [col(Subscription.price_id).in_(prices)]
    return of_plan + ([col(Subscription.price_id) == price_id] if price_id else [])


def _due(days: Days | None, standing: SubscriptionStanding | None) -> span.Conditions:
    """The next charge falls on these days; what stands so has it in a column of its own."""
    return [_GOES_ON, *span.civil_days(next_charge_of(standing), days)] if days else []


def next_charge_of(standing: SubscriptionStanding | None) -> Any:
    """The day of the next charge of subscriptions that stand so, as the index that finds them has it."""
    if standing is SubscriptionStanding.TRIAL:
        return col(Subscription.charge_on)
    if standing is SubscriptionStanding.PAUSED:
        return col(Subscription.resumes_on)
    return RETRY if standing is SubscriptionStanding.OVERDUE else NEXT_CHARGE


def _card_ends(last_day: date | None) -> span.Conditions:
    """It goes on, and its card is good through this day and no longer."""
    return [_GOES_ON, col(Subscription.card_expires_on) == last_day] if last_day else []


def _owes() -> sa.ColumnElement[bool]:
    """A charge of it has failed, and its invoice is still to be paid."""
    # a charge that failed makes it past due; said again, because that is in an index
    return sa.and_(
        in_state(State.PAST_DUE),
        sa.exists().where(
            col(Invoice.subscription_id) == col(Subscription.id),
            col(Invoice.state) == InvoiceState.OPEN,
            col(Invoice.first_failed_on).is_not(None),
        ),
    )
