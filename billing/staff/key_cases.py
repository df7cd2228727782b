"""Cases about API keys, for admins: a key expires soon, or was refused more than its ceiling."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database, span
from billing.platform.site import Site
from billing.staff.key_models import ApiKey

PAGE = "/staff/keys"
WARN_BEFORE = timedelta(days=14)
"""How long before a key expires its case is opened."""
NEXT_DUE = f"""SELECT min(expires_at) - {span(WARN_BEFORE)} FROM api_key
               WHERE revoked_at IS NULL AND warned_at IS NULL AND expires_at IS NOT NULL"""  # noqa: S608
"""See `timetable.Job`."""


def warn_due(database: Database, site: Site, at: datetime) -> int:
    """Open a case for each key that expires within two weeks; how many."""
    with database.begin(site, at, WORKER) as ctx:
        due = ctx.session.exec(
            select(ApiKey)
            .where(
                col(ApiKey.revoked_at).is_(None),
                col(ApiKey.warned_at).is_(None),
                col(ApiKey.expires_at) <= at + WARN_BEFORE,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for key in due:
            assert key.expires_at is not None  # by the query
            day = site.today(key.expires_at)
            what = (
                f"The key “{key.name}” stops working on {day.day} {day:%B %Y}."
                " Rotate it with another expiry, or let it end."
            )
            open_case(ctx, CaseKind.KEY_EXPIRES, _subject(key), what, link=PAGE, act_by=key.expires_at)
            key.warned_at = at
    return len(due)


def no_longer_ends(ctx: TransactionContext, key: ApiKey) -> None:
    """Close the case of a key that was revoked, or expires at another time."""
    if key.warned_at is not None:
        reason = "The key was revoked, or expires at another time."
        close_about(ctx, CaseKind.KEY_EXPIRES, _subject(key), reason=reason)


def _subject(key: ApiKey) -> str:
    return f"{key.id}:{key.expires_at.isoformat() if key.expires_at else ''}"


def at_its_ceiling(ctx: TransactionContext, key_id: str, name: str, detail: str) -> None:
    """Open a case for a key that was refused more than its ceiling, one a day."""
    open_case(ctx, CaseKind.KEY_LIMIT, f"{key_id}:{ctx.today}", f"The key “{name}”: {detail}", link=PAGE)


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "an API key expires in two weeks"
