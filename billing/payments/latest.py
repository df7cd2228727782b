"""A reader's latest subscription with its terms and its card."""

from typing import NamedTuple

from sqlmodel import Session, col

from billing.payments.models import PaymentMethod
from billing.platform.read_together import Rows, entity, whole
from billing.subscriptions.find import LATEST
from billing.subscriptions.models import Plan, Price, Subscription


class LatestSubscription(NamedTuple):
    """The subscription, the plan and price that its reader agreed to, and the card that it is charged to.

    While they are held, the session finds plan, price and card by their ids without a statement."""

    subscription: Subscription
    plan: Plan
    price: Price
    card: PaymentMethod | None


LATEST_WITH_CARD = (
    LATEST.with_only_columns(whole(Subscription), whole(Plan), whole(Price), whole(PaymentMethod))
    .join(Plan, col(Plan.id) == Subscription.plan_id)
    .join(Price, col(Price.id) == Subscription.price_id)
    .outerjoin(PaymentMethod, col(PaymentMethod.id) == Subscription.payment_method_id)
)
"""The query for `:reader_id`; `latest_in` takes its rows."""


def latest_in(session: Session, rows: Rows) -> LatestSubscription | None:
    """As `subscriptions.find.latest_of`, of these rows."""
    for subscription, plan, price, card in rows:
        found = LatestSubscription(
            entity(Subscription, subscription),
            entity(Plan, plan),
            entity(Price, price),
            entity(PaymentMethod, card) if card is not None else None,
        )
        session.add_all(loaded for loaded in found if loaded is not None)
        return found
    return None
