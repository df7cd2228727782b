"""Questions about plans and subscriptions. Nothing here changes anything."""

from datetime import date

from sqlmodel import Session, col, select

from billing.errors import NotFound
from billing.rules.lifecycle import State
from billing.subscriptions.models import Plan, Price, Subscription


class NothingOnSale(NotFound):
    """There is no plan with a price today. Run `billing migrate`, then add one."""

    code = "nothing_on_sale"


def live_of(session: Session, reader_id: str) -> Subscription | None:
    """The reader's one subscription that hasn't ended."""
    return session.exec(
        select(Subscription).where(Subscription.reader_id == reader_id, Subscription.state != State.ENDED)
    ).first()


def latest_of(session: Session, reader_id: str) -> Subscription | None:
    """The reader's live subscription, else the one that began last."""
    return session.exec(
        select(Subscription)
        .where(Subscription.reader_id == reader_id)
        .order_by(col(Subscription.ended_at).desc().nulls_first(), col(Subscription.id).desc())
    ).first()


def on_sale(session: Session, today: date) -> tuple[Plan, Price]:
    """The plan and the price for somebody who starts today. Raises NothingOnSale."""
    found = session.exec(
        select(Plan, Price)
        .join(Price, col(Price.plan_id) == Plan.id)
        .where(Price.valid_from <= today)
        .order_by(col(Price.valid_from).desc(), col(Price.id).desc())
    ).first()
    if found is None:
        raise NothingOnSale
    return found


def terms_of(session: Session, subscription: Subscription) -> tuple[Plan, Price]:
    """The plan and the price the reader agreed to."""
    plan = session.get_one(Plan, subscription.plan_id)
    return plan, session.get_one(Price, subscription.price_id)


def prices(session: Session) -> list[Price]:
    """Every price, by plan and first day."""
    return list(
        session.exec(select(Price).order_by(col(Price.plan_id), col(Price.valid_from), col(Price.id)))
    )
