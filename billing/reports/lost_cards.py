"""Take in a card that the database lost: on its subscription, or with a reader who began since the backup, and must begin again."""

from datetime import datetime

from sqlmodel import Session, select

from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments import setup
from billing.payments.books import FoundCard
from billing.payments.cards import HasEnded, change_card, keep_card
from billing.payments.models import CardSetup, PaymentMethod, SetupState
from billing.readers.register import register
from billing.reports.catch_up import Clerk
from billing.subscriptions.models import Subscription

BY = "stripe"


def take_in_card(clerk: Clerk, found: FoundCard, at: datetime) -> str | None:
    """Write down a card that was saved; `card` where it is put to use, `reader` where it belongs to a reader who began since,
    None where it is known."""
    with clerk.database.transaction() as session:
        known = select(PaymentMethod.id).where(PaymentMethod.gateway_ref == found.card.method_ref)
        if session.exec(known).first() is not None:
            return None
        visit = session.get(CardSetup, found.setup_id) if found.setup_id else None
    if visit is not None:  # begun before the backup, finished since
        done = setup.finish(clerk.database, clerk.gateway, clerk.office, visit.id, at, by=BY)
        return "card" if done.state is SetupState.DONE else None
    with clerk.database.transaction() as session:
        if found.subscription_id and session.get(Subscription, found.subscription_id) is not None:
            return _change(session, clerk, found, found.subscription_id, at)
        return _begun_since(session, clerk, found, at)


def _change(session: Session, clerk: Clerk, found: FoundCard, subscription_id: str, at: datetime) -> str:
    reader_id = session.get_one(Subscription, subscription_id).reader_id
    method = keep_card(session, clerk.office, reader_id, found.card, at)
    try:
        change_card(session, clerk.office, subscription_id, method, at, by=BY)
    except HasEnded:
        return "kept"
    return "card"


def _begun_since(session: Session, clerk: Clerk, found: FoundCard, at: datetime) -> str | None:
    """What the reader agreed to is lost, so nothing is begun, and nothing charged, in their name: a person asks them."""
    if not found.email:
        return None
    reader, _ = register(session, found.email, at=at)
    keep_card(session, clerk.office, reader.id, found.card, at)
    open_case(
        session,
        CaseKind.LOST_START,
        found.card.method_ref,
        f"{reader.email} gave a card on {clerk.office.today(found.at):%-d %B %Y}, after the backup from which this database was"
        " restored. What they began is lost: ask them to begin again.",
        at=at,
        reader_id=reader.id,
        facts={"customer at Stripe": found.card.customer_ref, "card at Stripe": found.card.method_ref},
        link=f"/staff/readers/{reader.id}",
    )
    return "reader"
