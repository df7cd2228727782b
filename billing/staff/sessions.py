"""Browsers in which staff are signed in: 30 minutes idle, 12 hours in all, ended with the member (SEC-3, SEC-6)."""

import secrets
from datetime import datetime, timedelta

from sqlmodel import col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.staff.models import StaffMember, StaffSession

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
FRESH = timedelta(minutes=10)
"""How long a code of the authenticator opens what matters (SEC-2)."""
TO_COMPLETE = timedelta(minutes=10)
"""How long the code of the authenticator may take after the mailed link."""
_TOUCH_EVERY = timedelta(minutes=1)


def begin(ctx: TransactionContext, staff_id: str, *, ip: str, device: str, complete: bool = False) -> str:
    """A session that has passed the mailed link, or with `complete` the code too; the secret for its cookie (256 bits)."""
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
            ip=ip[:64],
            device=device[:300],
        )
    )
    ctx.session.flush()
    return secret


def find(
    ctx: TransactionContext, secret: str, *, complete: bool = True
) -> tuple[StaffSession, StaffMember] | None:
    """The open session with this secret and its member, who isn't disabled; with `complete=False` one that waits for its code."""
    digests = ctx.site.tokens.digests("staff-session", secret)
    row = ctx.session.exec(
        select(StaffSession, StaffMember)
        .join(StaffMember, col(StaffMember.id) == StaffSession.staff_id)
        .where(
            col(StaffSession.token_hash).in_(digests),
            col(StaffSession.complete).is_(complete),
            col(StaffSession.ended_at).is_(None),
            col(StaffMember.disabled_at).is_(None),
        )
    ).first()
    if row is None:
        return None
    found, member = row
    if ctx.at - found.seen_at > IDLE or ctx.at - found.started_at > (ABSOLUTE if complete else TO_COMPLETE):
        return None
    if ctx.at - found.seen_at >= _TOUCH_EVERY or found.token_hash != digests[0]:
        found.token_hash, found.seen_at = digests[0], ctx.at
    return found, member


def is_fresh(row: StaffSession, at: datetime) -> bool:
    """Whether the member gave a code in this browser a moment ago."""
    return row.proved_at is not None and at - row.proved_at <= FRESH


def renew(ctx: TransactionContext, session_id: str) -> str:
    """The member has proved who they are once more: the same session under a new secret, which is returned (7.2.4). It doesn't
    live longer by it."""
    secret = secrets.token_urlsafe(32)
    row = lock_one(ctx.session, StaffSession, session_id)
    row.token_hash, row.proved_at, row.seen_at = (
        ctx.site.tokens.digest("staff-session", secret),
        ctx.at,
        ctx.at,
    )
    return secret


def open_sessions(
    ctx: TransactionContext, staff_id: str | None = None
) -> list[tuple[StaffSession, StaffMember]]:
    """Where the member is signed in, or all members are, newest first."""
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
    rows = ctx.session.exec(
        select(StaffSession).where(StaffSession.staff_id == staff_id, col(StaffSession.ended_at).is_(None))
    ).all()
    chosen = [row for row in rows if only is None or row.id == only]
    for row in chosen:
        row.ended_at = ctx.at
    return len(chosen)
