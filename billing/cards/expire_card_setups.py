"""Card pages nobody came back from, or whose answer was lost: ask the acquirer, and finish or close them."""

import logging
from datetime import datetime

from sqlmodel import Session, col, select

from billing.acquirer.registry import Acquirers
from billing.cards.card_setup import SetupToFinish, ask_again, finish
from billing.payments.models import CardSetup, SetupState
from billing.platform.actors import WORKER
from billing.platform.db import Database
from billing.platform.site import Site

log = logging.getLogger(__name__)


def expire_setups(database: Database, acquirers: Acquirers, site: Site, at: datetime) -> int:
    """Finish, or close, each visit that is due; how many were looked at. One that can't be finished waits, and holds up nobody."""
    with database.transaction() as session:
        due = session.exec(
            select(CardSetup.id)
            .where(CardSetup.state == SetupState.OPEN, CardSetup.next_poll_at <= at)
            .order_by(col(CardSetup.next_poll_at))
            .limit(100)
        ).all()
    for setup_id in due:
        try:
            finish(database, acquirers, site, SetupToFinish(setup_id), at, by=WORKER)
        except Exception:
            log.exception("the visit %s can't be finished yet", setup_id)
            with database.transaction() as session:
                setup = session.get_one(CardSetup, setup_id, with_for_update=True)
                ask_again(setup, at)
                session.add(setup)
        else:
            _close(database, setup_id, at)
    return len(due)


def _close(database: Database, setup_id: str, at: datetime) -> None:
    """Its page ran out and nobody used it, as far as the acquirer knows; or it is still open, and is asked for at its end."""
    with database.transaction() as session:
        setup = session.get_one(CardSetup, setup_id, with_for_update=True)
        if setup.state is SetupState.OPEN and setup.next_poll_at <= at:
            if setup.expires_at <= at:
                setup.state, setup.finished_at = SetupState.EXPIRED, at
            else:
                setup.next_poll_at = setup.expires_at
            session.add(setup)


def next_words(session: Session) -> str:
    """Whose open page is asked for next."""
    email = session.exec(
        select(CardSetup.email)
        .where(CardSetup.state == SetupState.OPEN)
        .order_by(col(CardSetup.next_poll_at))
        .limit(1)
    ).first()
    return f"the card page that {email} left open: we ask the acquirer"


NEXT_DUE = "SELECT min(next_poll_at) FROM card_setup WHERE state = 'open'"
"""When an open page is asked for next (see `timetable.Job`)."""
