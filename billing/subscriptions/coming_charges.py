"""The charges of the days to come, of all subscriptions together: grouped in SQL for those that do nothing special, by
`forecast` for the others.

A subscription that does nothing special is charged once within a month: when its trial or paid period ends. Most do. Those that
owe, pause, are held by a request to cancel, are being charged, or are late are few, and their rules are many."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.platform.db import keep_loaded
from billing.rules.money import Money
from billing.rules.periods import add_months, last_of_month
from billing.subscriptions.find import load_terms, on_sale
from billing.subscriptions.forecast import Expected, forecast
from billing.subscriptions.models import Plan, Price, Subscription

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class ComingCharge:
    """Charges that are alike: their day, the plan and the period that they pay for, the price with VAT."""

    on: date
    plan_id: str
    starts_on: date
    ends_on: date
    amount: Money


_ON = "coalesce(s.period_end_on, s.charge_on)"
_ORDINARY = f"""coalesce(s.state IN ('trialing', 'active') AND s.charging_since IS NULL AND s.resumes_on IS NULL
    AND s.held_until IS NULL AND (s.state = 'active' OR s.period_end_on IS NULL) AND {_ON} >= :today, false)"""
_SWITCHES = f"(s.next_price_id IS NOT NULL AND s.next_terms_on <= {_ON})"
COMING = sa.text(
    f"""
    SELECT CASE WHEN NOT {_ORDINARY} THEN s.id END AS special, CASE WHEN {_ORDINARY} THEN {_ON} END AS day,
        CASE WHEN {_ORDINARY} THEN CASE WHEN {_SWITCHES} THEN s.next_price_id ELSE s.price_id END END AS price_id,
        CASE WHEN {_ORDINARY} THEN s.period_number > 0 AND NOT {_SWITCHES} END AS renews,
        CASE WHEN {_ORDINARY} THEN CAST(extract(day FROM s.charge_on) AS int) END AS anchor_day, count(*) AS charges
    FROM subscription s
    WHERE s.state <> 'ended' AND s.cancels_at IS NULL AND (s.state <> 'past_due' OR s.retry_on IS NOT NULL)
        AND ({_ON} <= :until OR NOT {_ORDINARY})
    GROUP BY 1, 2, 3, 4, 5
    """  # noqa: S608 - conditions of our own
)
"""Live subscriptions that go on, each read once: those that do nothing special by what their charges share, each of the others by
its id. `one_live_subscription` finds them among the ended ones."""


def coming_charges(ctx: TransactionContext, until: date) -> Counter[ComingCharge]:
    """How many charges there will be from today through the day `until`, less than a month ahead, where nobody does anything and every
    bank agrees. What is late is charged today, once, however much is late."""
    keep_loaded(ctx.session)
    found: Counter[ComingCharge] = Counter()
    special: list[str] = []
    for row in ctx.session.execute(COMING, {"today": ctx.today, "until": until}):
        if row.special is not None:
            special.append(row.special)
        else:
            found[_ordinary(ctx.session, row)] += row.charges
    for first in range(0, len(special), _AT_ONCE):
        ids = special[first : first + _AT_ONCE]
        subscriptions = list(bulk.load(ctx.session, Subscription, ids).values())
        load_terms(ctx.session, subscriptions)
        for subscription in subscriptions:
            found.update(_special(ctx, subscription, until))
    return found


def _ordinary(session: Session, row: sa.Row[tuple[object, ...]]) -> ComingCharge:
    price = session.get_one(Price, row.price_id)
    plan = session.get_one(Plan, price.plan_id)
    if row.renews and plan.then_plan_id is not None:
        plan, price = on_sale(session, row.day, plan.then_plan_id)
    return ComingCharge(row.day, plan.id, row.day, _end(row.day, row.anchor_day, plan.months), price.money)


def _end(start: date, anchor_day: int, months: int) -> date:
    """The end of the period that starts then, where its anchor falls on that day of a month."""
    month = add_months(start.replace(day=1), months)
    return month.replace(day=min(anchor_day, last_of_month(month.year, month.month).day))


def _special(ctx: TransactionContext, subscription: Subscription, until: date) -> Iterator[ComingCharge]:
    charges = forecast(ctx, subscription, until=until)
    late = [charge for charge in charges if charge.on < ctx.today]
    for charge in (*late[-1:], *charges[len(late) :]):
        yield _coming(charge, max(charge.on, ctx.today))


def _coming(charge: Expected, on: date) -> ComingCharge:
    return ComingCharge(on, charge.plan_id, charge.starts_on, charge.ends_on, charge.amount)
