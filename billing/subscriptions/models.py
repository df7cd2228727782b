"""Tables of plans, prices, subscriptions and trials."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy
from billing.platform.db import enum_column
from billing.rules.lifecycle import Event, State
from billing.rules.money import Money


class OfferedTo(StrEnum):
    """Who may start a plan or change to it. Readers who have it keep it."""

    EVERYONE = "everyone"
    STAFF = "staff"
    """Not on the pages: staff, and the programs they work with, start it for a reader."""
    NOBODY = "nobody"


class Plan(SQLModel, table=True):
    """What can be subscribed to."""

    id: str = Field(primary_key=True)
    name: str
    offered_to: OfferedTo = Field(
        sa_column=enum_column(OfferedTo, server_default=OfferedTo.NOBODY), default=OfferedTo.NOBODY
    )
    position: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Its place on the pages; where only one fits, the first is offered."""
    months: int
    """Length of a period, in months."""
    period_label: str
    """The name of a period, as in "R75.00 a month"."""
    trial_days: int
    then_plan_id: str | None = Field(default=None, foreign_key="plan.id")
    """The plan that follows a fixed term (CPA-2); None for a plan that goes on as it is."""
    features: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """What it opens besides reading, for instance `listen`."""

    @property
    def words(self) -> str:
        """Its name for staff. Plans that differ only in their period may share a name."""
        return f"{self.name}, by the {self.period_label}"


class Price(SQLModel, table=True):
    """An amount for a plan, from a day on. A subscription keeps the price that its reader agreed to."""

    __table_args__ = (sa.CheckConstraint("amount > 0", name="positive"),)

    id: str = Field(primary_key=True)
    plan_id: str = Field(foreign_key="plan.id")
    amount: int
    """Cents a period, VAT included."""
    currency: str = "ZAR"
    valid_from: date

    @property
    def money(self) -> Money:
        """The price of a period."""
        return Money(self.amount, self.currency)


class TermsChangeReason(StrEnum):
    """Why other terms begin with a later period."""

    SWITCH = "switch"
    """The reader chose another plan."""
    TERM = "term"
    """A fixed term ends, and months follow."""
    PRICE = "price"
    """Another price was announced; it begins only if the notice arrived in time."""


NEXT_CHARGE_ON = """
CASE
    WHEN subscription.state = 'trialing' THEN subscription.charge_on
    WHEN subscription.state = 'paused' OR subscription.state = 'active' AND subscription.resumes_on > subscription.period_end_on THEN subscription.resumes_on
    WHEN subscription.state = 'active' THEN GREATEST(COALESCE(subscription.period_end_on, subscription.charge_on), subscription.held_until)
    ELSE subscription.retry_on
END"""
"""SQL: the day of `schedule.next_charge`, where `GOES_ON` holds. Broken into lines as PostgreSQL breaks it, because Alembic compares
the text of an index."""
RETRIES_ON = "COALESCE(subscription.retry_on, '9999-12-31'::date)"
"""SQL: the day of the next try at an overdue charge; the last of all days while it waits for another card."""
GOES_ON = "(subscription.state <> 'ended' AND subscription.cancels_at IS NULL)"
"""SQL: it is neither ended nor cancelled."""


class Subscription(SQLModel, table=True):
    """A reader's standing agreement. Its columns change only through `subscriptions.change`."""

    __table_args__ = (
        sa.Index(
            "one_live_subscription", "reader_id", unique=True, postgresql_where=sa.text("state <> 'ended'")
        ),
        sa.Index(
            "subscription_due", "next_action_at", postgresql_where=sa.text("next_action_at IS NOT NULL")
        ),
        # Each for a filter of staff's lists, with the order in which the list is read. An index that holds what is charged each
        # month costs each charge a write, so states other than that have indexes of their own.
        sa.Index(
            "subscription_next_charge",
            sa.text(f"({NEXT_CHARGE_ON})"),
            "id",
            postgresql_where=sa.text(GOES_ON),
        ),
        sa.Index("subscription_trials", "charge_on", "id", postgresql_where=sa.text("state = 'trialing'")),
        sa.Index("subscription_paused", "resumes_on", "id", postgresql_where=sa.text("state = 'paused'")),
        sa.Index(
            *("subscription_overdue", sa.text(f"({RETRIES_ON})"), "id"),
            postgresql_where=sa.text("state = 'past_due'"),
        ),
        sa.Index(
            *("subscription_leaving", "cancels_at", "id"),
            postgresql_where=sa.text("state <> 'ended' AND cancels_at IS NOT NULL"),
        ),
        sa.Index("subscription_price", "price_id", "id"),
        sa.Index("subscription_started", "started_at", "id"),
        sa.Index("subscription_card_ends", "card_expires_on", "id", postgresql_where=sa.text(GOES_ON)),
        sa.Index(
            *("subscription_cancelled", "cancel_asked_at", "id"),
            postgresql_where=sa.text("cancel_asked_at IS NOT NULL"),
        ),
        sa.Index(*("subscription_ended", "ended_at", "id"), postgresql_where=sa.text("ended_at IS NOT NULL")),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended_has_its_moment"),
        sa.CheckConstraint("state <> 'ended' OR next_action_at IS NULL", name="ended_is_never_due"),
        sa.CheckConstraint("(cancel_asked_at IS NULL) = (cancels_at IS NULL)", name="cancel_has_its_end"),
        sa.CheckConstraint(
            "state = 'ended' OR next_action_at IS NOT NULL OR charging_since IS NOT NULL",
            name="never_forgotten",
        ),
        sa.CheckConstraint(
            "num_nulls(next_price_id, next_terms_on, next_terms_because) IN (0, 3)",
            name="next_terms_are_whole",
        ),
        sa.CheckConstraint("state <> 'paused' OR resumes_on IS NOT NULL", name="pause_has_its_end"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    plan_id: str = Field(foreign_key="plan.id")
    price_id: str = Field(foreign_key="price.id")
    payment_method_id: str | None = Field(default=None, foreign_key="payment_method.id")
    card_expires_on: date | None = None
    """The last day on which the card is good; None where it is unknown."""
    card_notice_at: datetime | None = None
    """When the mail that the card ends before the next charge was queued."""
    state: State = Field(sa_column=enum_column(State))
    started_at: datetime
    charge_on: date
    """The anchor: every period is counted from this civil day. In a trial it is the day of the first charge. An
    extension, the end of a pause and a chosen charge day move it."""
    anchor_number: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """The number of the period that begins `anchor_months` after the anchor: 1, until a later period moves or has another plan."""
    anchor_months: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Months from the anchor to the start of period `anchor_number`. The anchor's day of the month stays with another plan."""
    is_fixed_term: bool = Field(default=False, sa_column_kwargs={"server_default": sa.text("false")})
    """Whether the paid period is a fixed term, whose end is announced (CPA-2); in a trial, whether the first one will be."""
    term_notice_at: datetime | None = None
    """When the notice of the term's end was queued."""
    first_notice_at: datetime | None = None
    """When the first notice of the charge to come was queued: after a trial, a year or a pause."""
    second_notice_at: datetime | None = None
    period_number: int = Field(default=0)
    """The latest paid period; 0 before the first charge."""
    period_start_on: date | None = None
    period_end_on: date | None = None
    """The first day after the paid period."""
    access_until: datetime
    """The end of what is free or paid, or of the grace, as readers see it. A live subscription reads on until its charge is settled."""
    charging_since: datetime | None = None
    """Set while a charge is under way: nothing else is due then."""
    first_failed_on: date | None = None
    retry_on: date | None = None
    next_price_id: str | None = Field(default=None, foreign_key="price.id")
    """The price, and by it the plan, of the period that begins on `next_terms_on` or later."""
    next_terms_on: date | None = None
    next_terms_because: TermsChangeReason | None = Field(
        default=None, sa_column=enum_column(TermsChangeReason, nullable=True)
    )
    resumes_on: date | None = None
    """The day on which a planned or running pause ends, with a charge."""
    charge_day_from: date | None = None
    """The end of what was paid before the reader moved it to a day of the month. The choice can be undone until then, and a reader who
    cancels by then reads until then: the days between are free for those who stay."""
    cancel_asked_at: datetime | None = None
    cancels_at: datetime | None = None
    cancel_request_at: datetime | None = None
    """When a request to cancel came by form that staff haven't answered. While it is open the next charge is postponed once."""
    held_until: date | None = None
    """The day to which such a request postponed a charge. It stays until that charge is paid, so none is postponed twice."""
    next_action: str | None = None
    next_action_at: datetime | None = None
    ended_at: datetime | None = None
    ended_reason: str | None = None


class SubscriptionChange(ActedBy, table=True):
    """One line of a subscription's history: from, to, when, who, why. Append-only."""

    __tablename__ = "subscription_change"
    __table_args__ = (
        sa.Index("subscription_change_of", "subscription_id", "id"),
        sa.Index("subscription_change_at", "at", postgresql_using="brin"),
    )

    id: int | None = Field(default=None, primary_key=True)
    subscription_id: str = Field(foreign_key="subscription.id")
    event: Event | None = Field(default=None, sa_column=enum_column(Event, nullable=True))
    """Empty for the first line, the start."""
    from_state: str | None = None
    to_state: str
    at: datetime
    reason: str
    facts: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))


class PriceChange(ActedBy, table=True):
    """Another price for present subscribers, for each after a notice (CARD-8)."""

    __tablename__ = "price_change"
    __table_args__ = (
        sa.Index("price_change_open", "next_run_at", postgresql_where=sa.text("closed_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    price_id: str = Field(foreign_key="price.id", unique=True)
    planned_at: datetime
    next_run_at: datetime
    """When to check next which notices are due."""
    closed_at: datetime | None = None


class NoticeState(StrEnum):
    """What became of a notice of another price."""

    ANNOUNCED = "announced"
    """Queued. Whether it arrived is checked when the price would begin."""
    HOLDS = "holds"
    """The new price has begun."""
    KEPT = "kept"
    """It didn't arrive in time: the old price stays until another one does, and staff see it."""
    MOOT = "moot"
    """The reader chose another plan, or the subscription ended, before it began."""
    SEEN = "seen"
    """It didn't arrive, and staff have dealt with it."""


class PriceNotice(SQLModel, table=True):
    """The notice of another price to one subscription, with the first day of that price."""

    __tablename__ = "price_notice"
    __table_args__ = (
        sa.Index("price_notice_open", "subscription_id", postgresql_where=sa.text("state = 'announced'")),
        sa.Index(
            "announced_once",
            "change_id",
            "subscription_id",
            unique=True,
            postgresql_where=sa.text("state IN ('announced', 'holds', 'moot')"),
        ),
    )

    id: str = Field(primary_key=True)
    change_id: str = Field(foreign_key="price_change.id")
    subscription_id: str = Field(foreign_key="subscription.id")
    reader_id: str = Field(foreign_key="reader.id", index=True)
    state: NoticeState = Field(sa_column=enum_column(NoticeState))
    text_version: str
    """The version of the notice's words."""
    starts_on: date
    announced_at: datetime
    settled_at: datetime | None = None
    seen_by: str | None = None


class TrialClaim(SQLModel, table=True):
    """One trial per person: a keyed hash of the canonical address, and one of the card. It survives erasure."""

    __tablename__ = "trial_claim"

    kind: str = Field(primary_key=True)
    """`address` or `card`."""
    digest: str = Field(primary_key=True)
    subscription_id: str = Field(foreign_key="subscription.id", index=True)
    claimed_at: datetime


class TrialException(ActedBy, table=True):
    """Permission by staff for one reader to have another trial. The next trial that starts uses it up."""

    __tablename__ = "trial_exception"
    __table_args__ = (
        sa.Index("one_open_exception", "reader_id", unique=True, postgresql_where=sa.text("used_at IS NULL")),
        sa.CheckConstraint("(used_at IS NULL) = (subscription_id IS NULL)", name="used_by_a_trial"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    given_at: datetime
    reason: str
    used_at: datetime | None = None
    subscription_id: str | None = Field(default=None, foreign_key="subscription.id")
