"""The charges of the months to come if nothing changes: computed on request, stored nowhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from sqlmodel import Session

from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.rules.money import Money
from billing.rules.periods import add_months
from billing.subscriptions.find import on_sale, terms_of, terms_on
from billing.subscriptions.models import Plan, Price, Subscription
from billing.subscriptions.schedule import next_charge


@dataclass(frozen=True, slots=True)
class Expected:
    """A future charge, VAT included, and the plan whose period it pays for: from `starts_on` to `ends_on`, the first day after it."""

    on: date
    at: datetime
    plan_id: str
    amount: Money
    starts_on: date
    ends_on: date


def forecast(ctx: TransactionContext, subscription: Subscription, *, until: date) -> list[Expected]:
    """Every charge through the day `until`, in order: at the prices agreed, chosen or announced; months at the price on sale follow
    a year. Empty where nothing is charged: cancelled, ended, or waiting for another card."""
    first = next_charge(subscription, ctx.zone)
    if first is None:
        return []
    expected = (
        Expected(on, trial.charge_at(on, ctx.zone), plan.id, price.money, start, end)
        for on, start, end, plan, price in _periods(ctx.session, subscription, first.on)
    )
    return list(takewhile(lambda charge: charge.on <= until, expected))


def _periods(
    session: Session, s: Subscription, first_on: date
) -> Iterator[tuple[date, date, date, Plan, Price]]:
    """The day of each charge with its period and terms, endlessly. A retry pays late for a period that keeps its days; a pause moves the anchor."""
    resumes = s.resumes_on == first_on
    anchor = first_on if resumes else s.charge_on
    start = first_on if resumes or s.period_end_on is None else s.period_end_on
    ahead = (start.year - anchor.year) * 12 + start.month - anchor.month
    plan, price = terms_of(session, s)
    over, changes_on = s.period_number > 0, s.next_terms_on
    on = first_on
    while True:
        if changes_on is not None and start >= changes_on:
            (plan, price), changes_on = terms_on(session, s, start), None
        elif over and plan.then_plan_id is not None:
            plan, price = on_sale(session, start, plan.then_plan_id)
        ahead += plan.months
        end = add_months(anchor, ahead)
        yield on, start, end, plan, price
        over, start, on = True, end, end
