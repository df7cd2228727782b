"""Give a plan another price, for whoever starts from a day on. Nobody who has agreed to a price is charged another by this."""

from datetime import date, datetime

from sqlmodel import Session

from billing.platform import ids
from billing.platform.errors import Invalid
from billing.subscriptions.models import Plan, Price
from billing.subscriptions.plans import UnknownPlan


class PastPrice(Invalid):
    """A price can begin today or later: what was on sale before is history."""

    code = "past_price"


def add(session: Session, plan_id: str, cents: int, first_day: date, *, today: date, at: datetime) -> Price:
    """Add a price of `cents`, VAT included, from `first_day` on. Raises UnknownPlan, PastPrice."""
    if session.get(Plan, plan_id) is None:
        raise UnknownPlan
    if first_day < today:
        raise PastPrice
    price = Price(id=ids.new("prc", at), plan_id=plan_id, amount=cents, valid_from=first_day)
    session.add(price)
    session.flush()
    return price
