"""Sessions of staff: 30 minutes idle, 12 hours in all, ended when the member is disabled (SEC-3, SEC-6).

Unlike readers' (`readers/sessions`) they wait for a second factor, and can be renewed."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.readers.sessions import Browser
from billing.staff.models import StaffMember, StaffSession

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
FRESH = timedelta(minutes=10)
"""How long a code of the authenticator allows sensitive actions (SEC-2)."""
TO_COMPLETE = timedelta(minutes=10)
"""How long after the mailed link the code of the authenticator may be given."""
_TOUCH_EVERY = timedelta(minutes=1)


def begin(ctx: TransactionContext, staff_id: str, browser: Browser, *, complete: bool = False) -> str:
    """A session after the mailed link, or with `complete` after the code too; the secret for its cookie (256 bits)."""
    secret = secrets.token_urlsafe(32)
    ctx.session.add(
        StaffSession(
            id=ids.new("sts", ctx.at),
            token_hash=ctx.site.tokens.digest("staff-session", secret),
            staff_id=staff_id,
            started_at=ctx.at,
            seen_at=ctx.at,
            complete=complete,
            proved_at=ctx.at if complete else None,
            ip=browser.ip[:64],
            device=browser.device[:300],
        )
    )
    ctx.session.flush()
    return secret


def find(
    ctx: TransactionContext, secret: str, *, complete: bool = True
) -> tuple[StaffSession, StaffMember] | None:
    """The open session with this secret and its member, who isn't disabled; with `complete=False` one that waits for its code."""
    digests = ctx.site.tokens.digests("staff-session", secret)
    found = ctx.session.exec(
        select(StaffSession, StaffMember)
        .join(StaffMember, col(StaffMember.id) == StaffSession.staff_id)
        .where(
            col(StaffSession.token_hash).in_(digests),
            col(StaffSession.complete).is_(complete),
            col(StaffSession.ended_at).is_(None),
            col(StaffMember.disabled_at).is_(None),
        )
    ).first()
    if found is None:
        return None
    row, member = found
    if ctx.at - row.seen_at > IDLE or ctx.at - row.started_at > (ABSOLUTE if complete else TO_COMPLETE):
        return None
    # A session that a previous key hashed goes over to the present one.
    if ctx.at - row.seen_at >= _TOUCH_EVERY or row.token_hash != digests[0]:
        row.token_hash, row.seen_at = digests[0], ctx.at
    return row, member


def is_fresh(row: StaffSession, at: datetime) -> bool:
    """Whether the member gave a code in this browser within ten minutes."""
    return row.proved_at is not None and at - row.proved_at <= FRESH


def renew(ctx: TransactionContext, session_id: str) -> str:
    """A new secret for the session of a member who gave a code once more (7.2.4). The session doesn't live longer by it."""
    secret = secrets.token_urlsafe(32)
    row = lock_one(ctx.session, StaffSession, session_id)
    row.token_hash = ctx.site.tokens.digest("staff-session", secret)
    row.proved_at = row.seen_at = ctx.at
    return secret


def open_sessions(
    ctx: TransactionContext, staff_id: str | None = None
) -> list[tuple[StaffSession, StaffMember]]:
    """The open sessions of the member, or of all members, newest first."""
    query = (
        select(StaffSession, StaffMember)
        .join(StaffMember, col(StaffMember.id) == StaffSession.staff_id)
        .where(
            col(StaffSession.complete).is_(True),
            col(StaffSession.ended_at).is_(None),
            StaffSession.seen_at >= ctx.at - IDLE,
            StaffSession.started_at >= ctx.at - ABSOLUTE,
        )
        .order_by(col(StaffSession.id).desc())
    )
    return list(ctx.session.exec(query if staff_id is None else query.where(StaffMember.id == staff_id)))


def end(ctx: TransactionContext, staff_id: str, *, only: str | None = None) -> int:
    """End the member's sessions, or `only` one; how many."""
    query = select(StaffSession).where(
        StaffSession.staff_id == staff_id, col(StaffSession.ended_at).is_(None)
    )
    rows = ctx.session.exec(query if only is None else query.where(StaffSession.id == only)).all()
    for row in rows:
        row.ended_at = ctx.at
    return len(rows)
