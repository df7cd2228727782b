"""The plans and prices that a new installation begins with."""

from datetime import date
from typing import Any

from sqlmodel import Session

from billing.rules.access import LISTEN
from billing.subscriptions.find import plans
from billing.subscriptions.models import OfferedTo, Plan, Price
from emails.languages import named

MONTH, YEAR = named("period", "month"), named("period", "year")
PERIODS = (MONTH, named("period", "quarter"), named("period", "half-year"), YEAR)
"""Those that catalogues translate; a plan may be paid by another, which every language then shows as it is."""
CENTS_A_MONTH = 7500
CENTS_A_YEAR = 75000
FULL_ACCESS: dict[str, Any] = {
    "name": "Full access",
    "trial_days": 14,
    "features": [str(LISTEN)],
    "offered_to": OfferedTo.EVERYONE,
}


def add(session: Session) -> None:
    """Add R75.00 a month and R750.00 a year, VAT included, 14 days free. Only where there is no plan: later, commands change them."""
    if plans(session):
        return
    month = Plan(id="monthly", months=1, period_label=str(MONTH), position=1, **FULL_ACCESS)
    year = Plan(
        id="yearly", months=12, period_label=str(YEAR), position=2, then_plan_id=month.id, **FULL_ACCESS
    )
    for price_id, plan, cents in (("monthly-75", month, CENTS_A_MONTH), ("yearly-750", year, CENTS_A_YEAR)):
        session.add(plan)
        session.flush()  # no relationship tells the session which of the two comes first
        session.add(Price(id=price_id, plan_id=plan.id, amount=cents, valid_from=date(2020, 1, 1)))
        session.flush()
