"""The charges of the days to come, of all subscriptions together: SQL counts those that are alike, and `forecast` foresees each sort once.

Alike are subscriptions that agree in all that `forecast` reads. A million of them are some hundred sorts, so no rule is written twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from billing.platform.context import TransactionContext
from billing.platform.db import keep_loaded
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.subscriptions.forecast import Expected, forecast
from billing.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True)
class ComingCharge:
    """Charges that are alike: their day, the plan and the period that they pay for, the price with VAT."""

    on: date
    plan_id: str
    starts_on: date
    ends_on: date
    amount: Money


_FIRST_DAY = "CASE WHEN state = 'trialing' OR period_end_on IS NULL THEN charge_on END"
COMING = sa.text(
    f"""
    SELECT state, plan_id, price_id, period_end_on, period_number > 0 AS has_paid, retry_on, resumes_on, held_until, next_price_id,
        next_terms_on, max(charge_on) AS charge_on, count(*) AS subscriptions
    FROM subscription
    WHERE state <> 'ended' AND cancels_at IS NULL AND least(period_end_on, retry_on, resumes_on, {_FIRST_DAY}) <= :until
    GROUP BY state, plan_id, price_id, period_end_on, period_number > 0, retry_on, resumes_on, held_until, next_price_id, next_terms_on,
        {_FIRST_DAY}, extract(day FROM charge_on)
    """  # noqa: S608 - an expression of our own
)
"""How many live subscriptions that go on are alike. Of an anchor within a period only its day of the month matters. Reads each once;
`one_live_subscription` finds them among the ended ones."""
COUNT_IN_MEMORY = sa.text("SET LOCAL work_mem = '64MB'")
"""PostgreSQL expects as many groups as there could be days and prices, and would sort every row to count a few hundred."""


def coming_charges(ctx: TransactionContext, until: date) -> Counter[ComingCharge]:
    """How many charges there will be from today through the day `until`, where nobody does anything and every bank agrees. What is late
    is charged today, once, however much is late."""
    keep_loaded(ctx.session)
    ctx.session.execute(COUNT_IN_MEMORY)
    found: Counter[ComingCharge] = Counter()
    for row in ctx.session.execute(COMING, {"until": until}):
        alike = Subscription(
            id="",
            reader_id="",  # of nobody
            started_at=ctx.at,
            access_until=ctx.at,
            state=State(row.state),
            plan_id=row.plan_id,
            price_id=row.price_id,
            charge_on=row.charge_on,
            period_number=int(row.has_paid),
            period_end_on=row.period_end_on,
            retry_on=row.retry_on,
            resumes_on=row.resumes_on,
            held_until=row.held_until,
            next_price_id=row.next_price_id,
            next_terms_on=row.next_terms_on,
        )
        for charge in _charges(ctx, alike, until):
            found[charge] += row.subscriptions
    return found


def _charges(ctx: TransactionContext, subscription: Subscription, until: date) -> Iterator[ComingCharge]:
    charges = forecast(ctx, subscription, until=until)
    late = [charge for charge in charges if charge.on < ctx.today]
    for charge in (*late[-1:], *charges[len(late) :]):
        yield _coming(charge, max(charge.on, ctx.today))


def _coming(charge: Expected, on: date) -> ComingCharge:
    return ComingCharge(on, charge.plan_id, charge.starts_on, charge.ends_on, charge.amount)
