"""Signed-in browsers (SEC-3)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.platform.read_together import Query, entity, read_rows, whole
from billing.readers.models import Reader, ReaderSession
from billing.readers.register import lock_reader

IDLE = timedelta(days=90)
ABSOLUTE = timedelta(days=180)
LIMIT = "limit"
"""Why a session ended: another browser took its place."""
PROVED = "proved"
"""The same: the address was proved in another browser, and had not been in this one."""
FRESH = timedelta(minutes=10)
"""How long after a sign-in by mail or passkey a reader may do what needs a fresh one (SEC-2)."""
TOUCH_EVERY = timedelta(hours=1)
"""How often it is noted that a session was seen."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser at work. `hashes`: of its own cookie, by each secret key, the present one's first. `device`: its user agent."""

    hashes: tuple[str, ...]
    ip: str
    device: str
    session_id: str | None = None


def open_session(ctx: TransactionContext, reader_id: str, browser: Browser, *, email_verified: bool) -> str:
    """Sign a browser in; the secret for its cookie (256 bits), of which we keep a keyed hash. Always a new one (7.2.4).

    Above the policy's `session_limit` (0: any number), the sessions seen longest ago end, with a reason for their browsers."""
    if ctx.site.policy.session_limit:
        _make_room(ctx, reader_id)
    secret = secrets.token_urlsafe(32)
    ctx.session.add(
        ReaderSession(
            id=ids.new("ses", ctx.at),
            token_hash=ctx.site.tokens.digest("session", secret),
            reader_id=reader_id,
            started_at=ctx.at,
            seen_at=ctx.at,
            ip=browser.ip[:64],
            device=browser.device[:300],
            browser_hash=browser.hashes[0],
            email_verified=email_verified,
        )
    )
    return secret


def _make_room(ctx: TransactionContext, reader_id: str) -> None:
    """Leave room for one more. Two browsers that sign in at once wait for each other at the reader's row."""
    lock_reader(ctx.session, reader_id)
    rows = sorted(open_sessions(ctx, reader_id), key=lambda row: (row.seen_at, row.id), reverse=True)
    for row in rows[ctx.site.policy.session_limit - 1 :]:
        row.ended_at, row.ended_reason = ctx.at, LIMIT


def why_ended(ctx: TransactionContext, secret: str) -> str | None:
    """Why the session with this secret ended: `LIMIT`, `PROVED`, or None, also where there is no such session."""
    ended = select(ReaderSession.ended_reason).where(
        col(ReaderSession.token_hash).in_(ctx.site.tokens.digests("session", secret))
    )
    return ctx.session.exec(ended).first()


RECOGNISE = (
    sa.select(whole(ReaderSession), whole(Reader))
    .select_from(ReaderSession)
    .join(Reader, col(Reader.id) == ReaderSession.reader_id)
    .where(col(ReaderSession.token_hash) == sa.any_(sa.bindparam("digests", type_=ARRAY(sa.Text))))
)
"""The query of `recognise`, to add columns about the reader to."""


def recognise(
    ctx: TransactionContext, secret: str, query: Query = RECOGNISE
) -> tuple[ReaderSession, Reader, *tuple[Any, ...]] | None:
    """The open session with this secret, and its reader: not signed out, seen within 90 days, begun within 180. Then what `query`
    adds.

    Changes nothing (see `note_seen`). Both rows belong to no session: they outlive the transaction."""
    digests = ctx.site.tokens.digests("session", secret)
    for session_row, reader_row, *more in read_rows(ctx.session, query, digests=list(digests)):
        session, reader = entity(ReaderSession, session_row), entity(Reader, reader_row)
        if _is_live(session, ctx.at):
            return session, reader, *more
    return None


def note_seen(ctx: TransactionContext, known: ReaderSession, secret: str) -> None:
    """Note that the session was seen, once an hour. Call it last: other transactions lock a reader before their sessions.

    A hash of a previous secret key is replaced by one of the present key: the access cache looks for no other."""
    digest = ctx.site.tokens.digest("session", secret)
    if known.token_hash != digest:
        values: dict[str, Any] = {"token_hash": digest}
    elif ctx.at - known.seen_at > TOUCH_EVERY:
        values = {"times_seen": known.times_seen + 1}
    else:
        return
    # `seen_at` as read: of two requests at once only the first writes
    as_read = (col(ReaderSession.id) == known.id, col(ReaderSession.seen_at) == known.seen_at)
    ctx.session.execute(sa.update(ReaderSession).where(*as_read).values(seen_at=ctx.at, **values))


def is_open(ctx: TransactionContext, session_id: str) -> bool:
    """Whether the session with this id is still a signed-in browser."""
    found = ctx.session.get(ReaderSession, session_id)
    return found is not None and _is_live(found, ctx.at)


def _is_live(row: ReaderSession, at: datetime) -> bool:
    return row.ended_at is None and at - row.seen_at <= IDLE and at - row.started_at <= ABSOLUTE


def knows(session: Session, browser_hashes: Sequence[str], reader_id: str | None = None) -> bool:
    """Whether this reader, or any, has ever signed in by a mailed link or a passkey in this browser."""
    found = select(ReaderSession.id).where(
        col(ReaderSession.browser_hash).in_(browser_hashes), col(ReaderSession.email_verified)
    )
    if reader_id is not None:
        found = found.where(ReaderSession.reader_id == reader_id)
    return session.exec(found.limit(1)).first() is not None


def is_fresh(row: ReaderSession, at: datetime) -> bool:
    """Whether the reader signed in here by mailed link or passkey within `FRESH`: such a session begins with the proof."""
    return row.email_verified and at - row.started_at <= FRESH


def open_sessions(ctx: TransactionContext, reader_id: str) -> list[ReaderSession]:
    """Where the reader is signed in, newest first."""
    return list(ctx.session.scalars(_OPEN, {"reader_id": reader_id, **open_since(ctx.at)}))


def open_since(at: datetime) -> dict[str, datetime]:
    """From when an open session was last seen, and from when it began, at the latest."""
    return {"idle_since": at - IDLE, "begun_since": at - ABSOLUTE}


_OPEN = (
    sa.select(ReaderSession)
    .where(
        col(ReaderSession.reader_id) == sa.bindparam("reader_id"),
        col(ReaderSession.ended_at).is_(None),
        col(ReaderSession.seen_at) > sa.bindparam("idle_since"),
        col(ReaderSession.started_at) > sa.bindparam("begun_since"),
    )
    .order_by(col(ReaderSession.id).desc())
)


OPEN = _OPEN.with_only_columns(col(ReaderSession.id), col(ReaderSession.device), col(ReaderSession.seen_at))
"""The query of id, device and last visit of the sessions that `open_sessions` finds, for `:reader_id` and `open_since`."""


def end_sessions(
    ctx: TransactionContext, reader_id: str, *, only: str | None = None, unproved: bool = False
) -> int:
    """Sign out everywhere, or `only` one session, or only those that never proved the address; how many sessions ended."""
    ended = 0
    for row in open_sessions(ctx, reader_id):
        if (only is None or row.id == only) and not (unproved and row.email_verified):
            row.ended_at, row.ended_reason = ctx.at, PROVED if unproved else None
            ended += 1
    if ended:
        log_event(ctx.session, "signed out", reader=reader_id, sessions=ended)
    return ended


def end(ctx: TransactionContext, session_id: str) -> None:
    """Sign one browser out."""
    row = ctx.session.get(ReaderSession, session_id)
    if row is not None and row.ended_at is None:
        row.ended_at = ctx.at


def ever_ended(session: Session, reader_id: str) -> bool:
    """Whether the reader has signed out anywhere, or been signed out."""
    ended = select(ReaderSession.id).where(
        ReaderSession.reader_id == reader_id, col(ReaderSession.ended_at).is_not(None)
    )
    return session.exec(ended).first() is not None


def prove_address(ctx: TransactionContext, reader: Reader) -> None:
    """Note that a mailed link was used, so the address is the reader's.

    Signs out the browsers that never proved it, and each says why at its next page (`PROVED`). Even the owner can't vouch for one
    of them: a stranger may have typed the address there, and all that we could show of that browser is what it says of itself."""
    if reader.address_proved_at is None:
        reader.address_proved_at = ctx.at
    end_sessions(ctx, reader.id, unproved=True)
