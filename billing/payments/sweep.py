"""Card pages nobody came back from: finish them when their time is over, whatever webhook was lost."""

from datetime import datetime

from sqlmodel import Session, col, select

from billing.db import Database
from billing.office import Office
from billing.payments.gateway import Gateway
from billing.payments.models import CardSetup, SetupState
from billing.payments.setup import finish


def sweep(database: Database, gateway: Gateway, office: Office, at: datetime) -> int:
    """Finish, or close, each visit whose page has run out; how many were closed."""
    with database.transaction() as session:
        late = session.exec(
            select(CardSetup.id)
            .where(CardSetup.state == SetupState.OPEN, CardSetup.expires_at <= at)
            .limit(100)
        ).all()
    closed = 0
    for setup_id in late:
        finish(database, gateway, office, setup_id, at, by="worker")
        with database.transaction() as session:
            setup = session.get_one(CardSetup, setup_id, with_for_update=True)
            if setup.state is SetupState.OPEN:
                setup.state, setup.finished_at = SetupState.EXPIRED, at
                session.add(setup)
                closed += 1
    return closed


def next_words(session: Session) -> str:
    """Whose open page runs out next."""
    email = session.exec(
        select(CardSetup.email)
        .where(CardSetup.state == SetupState.OPEN)
        .order_by(col(CardSetup.expires_at))
        .limit(1)
    ).first()
    return f"the card page that {email} left open runs out"


def next_due(session: Session) -> datetime | None:
    """When the next open page runs out."""
    return session.exec(
        select(CardSetup.expires_at)
        .where(CardSetup.state == SetupState.OPEN)
        .order_by(col(CardSetup.expires_at))
        .limit(1)
    ).first()
