"""Cases about API keys, for admins: one that expires soon, one that is refused more than its ceiling."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.platform.actors import Actor
from billing.platform.db import Database, span
from billing.platform.site import Office
from billing.staff.key_models import ApiKey

PAGE = "/staff/keys"
WARN_BEFORE = timedelta(days=14)
"""How long before a key expires its case is opened."""
NEXT_DUE = f"""SELECT min(expires_at) - {span(WARN_BEFORE)} FROM api_key
               WHERE revoked_at IS NULL AND warned_at IS NULL AND expires_at IS NOT NULL"""  # noqa: S608
"""See `timetable.Job`."""


def warn_due(database: Database, office: Office, at: datetime) -> int:
    """Open a case for each key that expires within two weeks; how many."""
    with database.transaction() as session:
        due = session.exec(
            select(ApiKey)
            .where(
                col(ApiKey.revoked_at).is_(None),
                col(ApiKey.warned_at).is_(None),
                col(ApiKey.expires_at) <= at + WARN_BEFORE,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for key in due:
            _warn(session, office, key, at)
    return len(due)


def _warn(session: Session, office: Office, key: ApiKey, at: datetime) -> None:
    assert key.expires_at is not None  # by the query
    day = office.today(key.expires_at)
    open_case(
        session,
        CaseKind.KEY_EXPIRES,
        _subject(key),
        f"The key “{key.name}” stops working on {day.day} {day:%B %Y}. Rotate it with another expiry, or let it end.",
        at=at,
        link=PAGE,
        act_by=key.expires_at,
    )
    key.warned_at = at
    session.add(key)


def no_longer_ends(session: Session, key: ApiKey, *, by: Actor, at: datetime) -> None:
    """The key is revoked, or expires at another time: its case is over."""
    if key.warned_at is not None:
        reason = "The key was revoked, or expires at another time."
        close_about(session, CaseKind.KEY_EXPIRES, _subject(key), reason=reason, by=by, at=at)


def _subject(key: ApiKey) -> str:
    return f"{key.id}:{key.expires_at.isoformat() if key.expires_at else ''}"


def at_its_ceiling(
    session: Session, office: Office, key_id: str, name: str, detail: str, at: datetime
) -> None:
    """A key is refused more than its ceiling of a day: one case a day."""
    today = office.today(at)
    what = f"The key “{name}”: {detail}"
    open_case(session, CaseKind.KEY_LIMIT, f"{key_id}:{today.isoformat()}", what, at=at, link=PAGE)
