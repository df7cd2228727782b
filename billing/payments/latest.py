"""A reader's latest subscription with its terms and its card, in one statement."""

from typing import NamedTuple

from sqlmodel import Session, col

from billing.payments.models import PaymentMethod
from billing.subscriptions.find import LATEST
from billing.subscriptions.models import Plan, Price, Subscription


class LatestSubscription(NamedTuple):
    """The subscription, the plan and price that its reader agreed to, and the card that it is charged to.

    While it is held, the session finds plan, price and card by their ids without a statement."""

    subscription: Subscription
    plan: Plan
    price: Price
    card: PaymentMethod | None


_LATEST = (
    LATEST.add_columns(Plan, Price, PaymentMethod)
    .join(Plan, col(Plan.id) == Subscription.plan_id)
    .join(Price, col(Price.id) == Subscription.price_id)
    .outerjoin(PaymentMethod, col(PaymentMethod.id) == Subscription.payment_method_id)
)


def latest_with_card(session: Session, reader_id: str) -> LatestSubscription | None:
    """As `subscriptions.find.latest_of`."""
    found = session.execute(_LATEST, {"reader_id": reader_id}).first()
    return LatestSubscription(*found) if found else None
