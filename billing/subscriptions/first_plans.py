"""The plans and prices that a new installation begins with."""

from datetime import date

from sqlmodel import Session

from billing.rules.access import LISTEN
from billing.subscriptions.find import MONTHLY, YEARLY
from billing.subscriptions.models import Plan, Price

CENTS_A_MONTH = 7500
CENTS_A_YEAR = 75000
TRIAL_DAYS = 14
VALID_FROM = date(2020, 1, 1)


def add(session: Session) -> None:
    """R75.00 a month or R750.00 a year, VAT included, 14 days free. A plan that is there already stays as it is."""
    _add(
        session,
        _plan(MONTHLY, 1),
        Price(id="monthly-75", plan_id=MONTHLY, amount=CENTS_A_MONTH, valid_from=VALID_FROM),
    )
    yearly = _plan(YEARLY, 12, then=MONTHLY)
    _add(session, yearly, Price(id="yearly-750", plan_id=YEARLY, amount=CENTS_A_YEAR, valid_from=VALID_FROM))


def _plan(plan_id: str, months: int, then: str | None = None) -> Plan:
    return Plan(
        id=plan_id,
        name="Full access",
        months=months,
        trial_days=TRIAL_DAYS,
        then_plan_id=then,
        features=[str(LISTEN)],
    )


def _add(session: Session, plan: Plan, price: Price) -> None:
    if session.get(Plan, plan.id) is None:
        for row in (plan, price):  # no relationship tells the session which of them comes first
            session.add(row)
            session.flush()
