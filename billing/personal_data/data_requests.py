"""Readers ask for all their data; a job makes the archive and mails that it is ready. It is gone in a week (POPIA, section 23)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.notices.data_ready import data_ready
from billing.personal_data import archive
from billing.personal_data.due import do_each
from billing.personal_data.models import UNMADE, DataRequest
from billing.platform import ids
from billing.platform.actors import Worker
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import TooMany
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.readers.register import by_id, lock_reader
from billing.rules.addresses import is_erased
from billing.rules.backoff import again_at
from emails import House

LIFE = timedelta(days=7)
"""How long an archive can be fetched; a rule of `platform/retention` deletes its row then."""
MOST = 3
"""Archives that a reader may ask for in that time."""
ARCHIVER = Worker("make archives")
_MINE = col(DataRequest.reader_id) == sa.bindparam("reader_id")


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """What the reader sees: whether an archive is being made, and the newest that can be fetched, with its bytes."""

    is_making: bool = False
    made_at: datetime | None = None
    expires_at: datetime | None = None
    size: int = 0


class TooManyArchives(TooMany):
    """You have asked for your data three times within a week. The newest file can still be downloaded."""

    code = "too_many_archives"
    retry_after = 86_400


def archive_status(session: Session, reader_id: str, at: datetime) -> ArchiveStatus:
    """Reads no archive, only that there is one."""
    query = sa.select(col(DataRequest.made_at), col(DataRequest.size_bytes)).where(_MINE)
    rows = session.execute(query, {"reader_id": reader_id}).all()
    made = [
        (row.made_at, row.size_bytes) for row in rows if row.made_at is not None and row.made_at > at - LIFE
    ]
    is_making = any(row.made_at is None for row in rows)
    if not made:
        return ArchiveStatus(is_making)
    made_at, size = max(made)
    return ArchiveStatus(is_making, made_at, made_at + LIFE, size)


def ask(ctx: TransactionContext, reader_id: str) -> None:
    """Ask for an archive; nothing happens where one is being made. Raises UnknownReader, TooManyArchives."""
    lock_reader(ctx.session, reader_id)
    if archive_status(ctx.session, reader_id, ctx.at).is_making:
        return
    lately = sa.select(sa.func.count()).where(_MINE, col(DataRequest.requested_at) > ctx.at - LIFE)
    if ctx.session.execute(lately, {"reader_id": reader_id}).scalar_one() >= MOST:
        raise TooManyArchives
    request = DataRequest(
        id=ids.new("dat", ctx.at), reader_id=reader_id, requested_at=ctx.at, next_attempt_at=ctx.at
    )
    ctx.session.add(request)
    log_event(ctx.session, "data asked for", reader=reader_id)


def fetch(ctx: TransactionContext, reader_id: str) -> bytes | None:
    """The reader's newest archive; None where there is none, or it is older than a week."""
    query = (
        select(DataRequest)
        .where(_MINE, col(DataRequest.made_at) > ctx.at - LIFE)
        .order_by(col(DataRequest.made_at).desc())
        .limit(1)
        .with_for_update()
    )
    found = ctx.session.scalars(query, {"reader_id": reader_id}).first()
    if found is None:
        return None
    if found.fetched_at is None:
        found.fetched_at = ctx.at
        log_event(ctx.session, "data fetched", reader=reader_id)
    return found.archive


def make_due(database: Database, site: Site, house: House, at: datetime) -> int:
    """Make the archives that are due; how many were looked at. One that fails delays no other."""
    return do_each(
        database,
        DataRequest,
        DataRequest.next_attempt_at,
        UNMADE,
        at,
        lambda request_id: _make(database, site, house, request_id, at),
    )


def _make(database: Database, site: Site, house: House, request_id: str, at: datetime) -> None:
    """The next try is scheduled first, so that an archive that can't be made delays nobody. No lock is held while it is made."""
    with database.begin(site, at, ARCHIVER) as ctx:
        request = _lock(ctx.session, request_id)
        if request is None:
            return
        request.tries += 1
        request.next_attempt_at = again_at(request.tries, at)
    with database.begin(site, at, ARCHIVER) as ctx:
        address = by_id(ctx.session, request.reader_id).email
        tables = archive.read(ctx.session, request.reader_id, address)
    content = archive.make(tables, address, house=house, site=site, at=at)
    with database.begin(site, at, ARCHIVER) as ctx:
        # the reader first, as an erasure does: it has deleted the request, or waits and then deletes it with the archive
        reader = lock_reader(ctx.session, request.reader_id)
        found = _lock(ctx.session, request_id)
        if found is None or is_erased(reader.email):
            return
        found.archive, found.size_bytes, found.made_at = content, len(content), at
        data_ready(ctx, reader, found.id, until=at + LIFE)
        log_event(ctx.session, "data archive made", reader=reader.id, bytes=len(content))


def _lock(session: Session, request_id: str) -> DataRequest | None:
    found = session.get(DataRequest, request_id, with_for_update=True, populate_existing=True)
    return found if found is not None and found.made_at is None else None


NEXT_DUE = f"SELECT min(next_attempt_at) FROM data_request WHERE {UNMADE}"  # noqa: S608
"""When an archive is due next (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "a reader's data is put into one file"
