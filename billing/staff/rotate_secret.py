"""After a new secret key was set: seal again what only a previous key opens, and say what else needs that key, and until when.

Hashes aren't changed. Lists and API keys have a key of their own. A session goes over to the present key when its browser
comes. Links in sent mails and sessions of absent browsers can't be made again. For those the previous key stays configured."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import list_key
from billing.platform.actors import Command
from billing.platform.db import Database, lock_one
from billing.platform.installation import Installation
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.readers import sessions
from billing.staff import audit, codes
from billing.staff import sessions as staff_sessions
from billing.staff.models import StaffMember, StaffSession
from billing.subscriptions.claim_again import claim_again

BATCH = 100
SIGNATURES = timedelta(hours=2)
"""How long reader tokens of the previous key are accepted: they live five minutes, and an edge caches a key set for an hour."""
LINKS = timedelta(days=400)
"""How long links in mails must work: the last mail of a paid year is a year old when its reader looks for the link."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What only a previous key opens: what it is, how many there are, and when the last one ends."""

    what: str
    count: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did, and what is left."""

    rotated_at: datetime | None
    """When the rotation first ran under the present key; None: this database has known no other key."""
    was_done: bool
    """Whether the list key was sealed under the present key already."""
    sealed: int
    """Authenticators sealed again."""
    lost: int
    """Authenticators that no key opens: their members set up new ones."""
    claimed: int
    """Trials claimed again, because an earlier list key is lost."""
    needed: tuple[Needed, ...]

    @property
    def until(self) -> datetime | None:
        """How long the previous keys stay configured; None: they can go."""
        return max((need.until for need in self.needed), default=None)


def rotate_secret(database: Database, site: Site, at: datetime) -> Rotated:
    """Seal what can be sealed under the present key, a batch a transaction. Safe to repeat, also after a crash."""
    tokens = site.tokens
    with database.transaction() as session:
        rotated_at, was_done = _seal_list_key(session, tokens, at)
    sealed, lost, after = 0, 0, ""
    while True:
        with database.transaction() as session:
            members = _batch(session, after)
            for member in members:
                did_seal = codes.seal_again(tokens, member)
                sealed, lost = sealed + (did_seal is True), lost + (did_seal is None)
        if len(members) < BATCH:
            break
        after = members[-1].id
    with database.transaction() as session:
        is_lost = list_key.was_lost(session)
    claimed = claim_again(database, tokens) if is_lost else 0
    with database.begin(site, at, Command()) as ctx:
        needed = _needed(ctx.session, rotated_at, at) if rotated_at is not None else ()
        if not was_done or sealed or claimed:
            facts = {"authenticators": sealed, "lost": lost, "claims": claimed}
            audit.write(ctx, "rotate_secret", after=facts)
    return Rotated(rotated_at, was_done, sealed, lost, claimed, needed)


def _seal_list_key(session: Session, tokens: Tokens, at: datetime) -> tuple[datetime | None, bool]:
    row = lock_one(session, Installation, 1)
    was_done = tokens.is_current(list_key.PURPOSE, row.list_key)
    if not was_done:
        list_key.seal(session, row, tokens, list_key.open_row(row, tokens))
        list_key.stop_signing(row, tokens, at + SIGNATURES)
        row.rotated_at = at
    return row.rotated_at, was_done


def _batch(session: Session, after: str) -> list[StaffMember]:
    rows = session.exec(
        select(StaffMember)
        .where(StaffMember.id > after, col(StaffMember.enrolled_at).is_not(None))
        .order_by(col(StaffMember.id))
        .limit(BATCH)
        .with_for_update()
    )
    return list(rows)


def _needed(session: Session, since: datetime, at: datetime) -> tuple[Needed, ...]:
    """Sessions seen since the rotation have gone over, and mails sent since carry the present key's links."""
    found = (
        ("sessions of readers whose browser hasn't come since", *_readers(session, since, at)),
        ("sessions of staff that haven't been used since", *_staff(session, since, at)),
        ("mails sent before, whose links cancel, pay and unsubscribe", *_mails(session, since)),
    )
    return tuple(Needed(what, count, until) for what, count, until in found if until and until > at)


def _readers(session: Session, since: datetime, at: datetime) -> tuple[int, datetime | None]:
    query = (
        "SELECT count(*), max(least(seen_at + :idle, started_at + :absolute)) FROM reader_session"
        " WHERE ended_at IS NULL AND seen_at <= :since AND seen_at > :at - :idle AND started_at > :at - :absolute"
    )
    bound = {"idle": sessions.IDLE, "absolute": sessions.ABSOLUTE, "since": since, "at": at}
    count, until = session.execute(sa.text(query), bound).one()
    return count, until


def _staff(session: Session, since: datetime, at: datetime) -> tuple[int, datetime | None]:
    rows = session.exec(
        select(StaffSession).where(
            col(StaffSession.ended_at).is_(None),
            StaffSession.seen_at <= since,
            StaffSession.seen_at > at - staff_sessions.IDLE,
        )
    ).all()
    return len(rows), max((row.seen_at + staff_sessions.IDLE for row in rows), default=None)


def _mails(session: Session, since: datetime) -> tuple[int, datetime | None]:
    count, until = session.execute(sa.text(_MAILS), {"since": since, "life": LINKS}).one()
    return int(count), until


_MAILS = """
    SELECT coalesce(sum(count), 0), max(at) + :life FROM (
        SELECT count(*), max(accepted_at) FROM message WHERE accepted_at <= :since
        UNION ALL
        SELECT count(*), max(settled_at) FROM delivery d
        WHERE state NOT IN ('skipped', 'failed') AND settled_at <= :since
          AND NOT EXISTS (SELECT FROM issue WHERE id = d.issue_id AND counts IS NOT NULL)
        UNION ALL
        SELECT sum(mailed.count), max(least(finished_at, :since)) FROM issue
        CROSS JOIN LATERAL (SELECT sum(value::bigint) FROM jsonb_each_text(counts -> 'states')
                            WHERE key NOT IN ('skipped', 'failed')) AS mailed (count)
        WHERE mailed.count > 0 AND started_at <= :since
    ) AS mails (count, at)
"""
"""Deliveries of counted issues may be gone: their counts stand for them, and no mail of an issue is later than its end."""
