"""The list of readers, with their running subscription or without one."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.rules.worded import WordedEnum
from billing.staff.lists import reader_mail, span, subscriptions
from billing.staff.lists.fields import ChoiceField, Days, DaysField, Field, Filter, FlagField
from billing.staff.lists.reader_mail import BOUNCED, NEWSLETTER
from billing.staff.lists.subscriptions import TERMS, SubscriptionFilter, SubscriptionStanding
from billing.subscriptions.models import Subscription


class ReaderStanding(WordedEnum):
    """How a reader stands to a subscription."""

    TRIAL = "trial", SubscriptionStanding.TRIAL.words
    PAID = "paid", SubscriptionStanding.PAID.words
    OVERDUE = "overdue", SubscriptionStanding.OVERDUE.words
    PAUSED = "paused", SubscriptionStanding.PAUSED.words
    CANCELLED = "cancelled", SubscriptionStanding.CANCELLED.words
    ENDED = "ended", "subscription ended"
    FREE = "free", "never subscribed"


@dataclass(frozen=True, slots=True)
class ReaderFilter(Filter):
    """Which readers to list. All but `state`, `since`, `newsletter` and `bounced` ask for a running subscription."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        ChoiceField("state", "State", ReaderStanding),
        *TERMS,
        DaysField("since", "Reader since"),
        NEWSLETTER,
        FlagField("owing", "Owes money"),
        BOUNCED,
    )
    state: ReaderStanding | None = None
    plan: str | None = None
    price: str | None = None
    due: Days | None = None
    card_ends: date | None = None
    since: Days | None = None
    newsletter: str | None = None
    owing: bool | None = None
    bounced: bool | None = None


def reader_ids(ctx: TransactionContext, wanted: ReaderFilter) -> sa.Select[str]:
    """The ids of the readers who fit, once each. A merged account is none."""
    query = sa.select(col(Reader.id)).where(
        col(Reader.merged_into).is_(None),
        *span.moments(col(Reader.created_at), wanted.since, ctx.zone),
        *reader_mail.conditions(ctx, col(Reader.id), wanted.newsletter, bounced=bool(wanted.bounced)),
    )
    of_running = subscriptions.conditions(ctx, of_subscription(wanted))
    if of_running and wanted.state in _NOT_RUNNING:
        return query.where(sa.false())
    of_reader = col(Subscription.reader_id) == col(Reader.id)
    if of_running:
        running = sa.and_(of_reader, ~subscriptions.in_state(State.ENDED))
        query = query.join(Subscription, running).where(*of_running)
    elif wanted.state is ReaderStanding.ENDED:
        ended = subscriptions.stands(SubscriptionStanding.ENDED)
        query = query.join(Subscription, of_reader).where(ended, ~_has_later())
    elif wanted.state is ReaderStanding.FREE:
        had = aliased(Subscription)
        query = query.where(~sa.exists().where(col(had.reader_id) == col(Reader.id)))
    return query


def is_by_subscription(wanted: ReaderFilter) -> bool:
    """Whether `reader_ids` joins the one subscription of each reader that the filter asks for."""
    asks_for_running = of_subscription(wanted) != SubscriptionFilter()
    if wanted.state in _NOT_RUNNING:
        return wanted.state is ReaderStanding.ENDED and not asks_for_running
    return asks_for_running


_NOT_RUNNING = frozenset({ReaderStanding.ENDED, ReaderStanding.FREE})


def of_subscription(wanted: ReaderFilter) -> SubscriptionFilter:
    """What the filter asks of the running subscription."""
    standing = None if wanted.state in _NOT_RUNNING else wanted.state
    return SubscriptionFilter(
        state=SubscriptionStanding(standing.value) if standing else None,
        plan=wanted.plan,
        price=wanted.price,
        due=wanted.due,
        card_ends=wanted.card_ends,
        owing=wanted.owing,
    )


def _has_later() -> sa.Exists:
    """The reader has a subscription that runs, or ended later: so a reader with several ended ones comes once."""
    later = aliased(Subscription)
    ends = sa.tuple_(col(later.ended_at), col(later.id))
    return sa.exists().where(
        col(later.reader_id) == col(Subscription.reader_id),
        sa.or_(
            col(later.ended_at).is_(None),
            ends > sa.tuple_(col(Subscription.ended_at), col(Subscription.id)),
        ),
    )
