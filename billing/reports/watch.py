"""Look each minute whether the others do their work: billing runs finish, and workers were never away. Each is a case at once;
what the doctor finds at night would be found a day late."""

from datetime import datetime

from sqlmodel import Session, col, select

from billing.bell import TickSeen
from billing.cases.close import close_about
from billing.cases.models import Case, CaseKind
from billing.cases.open import open_case
from billing.db import Database
from billing.office import Office
from billing.renewals.overdue import overdue_since

BY = "the watch"
NEXT_DUE = "SELECT coalesce(watched_at + interval '1 minute', at) FROM tick_seen WHERE id = 1"
"""When to look next: never where no worker has ever been (see `timetable.Job`)."""


def look(database: Database, office: Office, at: datetime) -> int:
    """Open a case for what doesn't go on, and close it when it does; how many were opened."""
    with database.transaction() as session:
        heartbeat = session.get(TickSeen, 1, with_for_update=True)
        if heartbeat is None:
            return 0
        heartbeat.watched_at = at
        session.add(heartbeat)
        return _billing(session, office, at) + _outage(session, office, heartbeat, at)


def _billing(session: Session, office: Office, at: datetime) -> int:
    since = overdue_since(session, at)
    if since is None:
        for subject in _open(session, CaseKind.BILLING_LATE):
            close_about(
                session,
                CaseKind.BILLING_LATE,
                subject,
                reason="A billing run has finished since.",
                by=BY,
                at=at,
            )
        return 0
    if _open(session, CaseKind.BILLING_LATE):
        return 0
    what = (
        f"Readers are due to be charged, workers are there, and no billing run has finished since {_told(office, since)}."
        " The worker's log says what holds it up; charges go on by themselves when it is gone."
    )
    return open_case(session, CaseKind.BILLING_LATE, since.isoformat(), what, at=at)


def _outage(session: Session, office: Office, heartbeat: TickSeen, at: datetime) -> int:
    """One case is enough for workers that come and go."""
    since, back = heartbeat.silent_from, heartbeat.back_at
    if since is None or back is None or _open(session, CaseKind.OUTAGE):
        return 0
    what = (
        f"From {_told(office, since)} to {_told(office, back)} no worker was there. What fell due meanwhile is being"
        " done since: charges, mails, refunds, and what Stripe told us. Nothing is charged twice for it."
    )
    return open_case(session, CaseKind.OUTAGE, since.isoformat(), what, at=at)


def _open(session: Session, kind: CaseKind) -> list[str]:
    """What cases of this kind are open about."""
    return list(
        session.exec(select(Case.subject).where(Case.kind == kind.value, col(Case.closed_at).is_(None)))
    )


def _told(office: Office, at: datetime) -> str:
    return f"{at.astimezone(office.zone):%d %B %Y, %H:%M}"


def next_words(_: Session) -> str:
    """What that is, for people."""
    return "somebody looks whether billing runs finish"
