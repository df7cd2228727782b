"""Finish or close card pages without a return, or whose answer was lost: poll the acquirer."""

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
    """Finish or close each visit that is due; how many there were. One that can't be finished waits, and delays no other."""
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
                ask_again(session.get_one(CardSetup, setup_id, with_for_update=True), at)
        else:
            _close(database, setup_id, at)
    return len(due)


def _close(database: Database, setup_id: str, at: datetime) -> None:
    """The acquirer knows of no card: the visit expires with its page, or is polled again at the page's end."""
    with database.transaction() as session:
        setup = session.get_one(CardSetup, setup_id, with_for_update=True)
        if setup.state is SetupState.OPEN and setup.next_poll_at <= at:
            if setup.expires_at <= at:
                setup.state, setup.finished_at = SetupState.EXPIRED, at
            else:
                setup.next_poll_at = setup.expires_at


def next_words(session: Session) -> str:
    """The open page that is polled next, for people."""
    email = session.exec(
        select(CardSetup.email)
        .where(CardSetup.state == SetupState.OPEN)
        .order_by(col(CardSetup.next_poll_at))
        .limit(1)
    ).first()
    return f"the card page that {email} left open: we ask the acquirer"


NEXT_DUE = "SELECT min(next_poll_at) FROM card_setup WHERE state = 'open'"
"""When an open page is polled next (see `timetable.Job`)."""
