"""Erase readers who asked for it: the acquirer forgets them first, then one transaction deletes and blanks by the register.

A crash between the two repeats the first: deleting a customer twice changes nothing."""

import logging
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access import gifts
from billing.acquirer.answers import Unknown
from billing.acquirer.registry import Acquirers
from billing.personal_data import register
from billing.personal_data.ask import what_is_open
from billing.personal_data.due import do_each
from billing.personal_data.models import OPEN, Erasure
from billing.platform.actors import Worker
from billing.platform.context import TransactionContext
from billing.platform.db import Database, lock_one
from billing.platform.installation import ASKING, refuse_held
from billing.platform.logs import log_event
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.readers import sign_in
from billing.readers.address_change import earlier_addresses
from billing.readers.models import Passkey, Reader
from billing.readers.register import by_id, lock_reader
from billing.rules.backoff import again_at
from billing.subscriptions.find import live_of

ERASER = Worker("erase readers")
_CUSTOMERS = sa.text(
    """SELECT acquirer, customer_ref FROM payment_method WHERE reader_id = :reader_id
       UNION SELECT acquirer, customer_ref FROM card_setup WHERE customer_ref IS NOT NULL
             AND (reader_id = :reader_id OR (reader_id IS NULL AND lower(email) = ANY(:addresses)))"""
)
Customers = frozenset[tuple[str, str]]
"""Names of acquirers, each with its reference of a customer."""
log = logging.getLogger(__name__)


def erase_due(database: Database, acquirers: Acquirers, site: Site, at: datetime) -> int:
    """Erase who is due; how many were looked at. One that has to wait, or can't be erased, delays no other.

    Raises NotAdopted, AsksAcquirer: a copied database must not delete at the acquirer."""
    with database.transaction() as session:
        refuse_held(session)
    return do_each(
        database,
        Erasure,
        Erasure.next_attempt_at,
        OPEN,
        at,
        lambda erasure_id: _erase(database, acquirers, site, erasure_id, at),
    )


def _erase(database: Database, acquirers: Acquirers, site: Site, erasure_id: str, at: datetime) -> None:
    customers = _begin(database, site, erasure_id, at)
    if customers is None:
        return
    for acquirer, customer_ref in sorted(customers):
        answer = acquirers.named(acquirer).delete_customer(customer_ref)
        if isinstance(answer, Unknown):
            log.warning("the erasure %s waits for the acquirer: %s", erasure_id, answer.reason)
            return
    stop_point("customer.deleted")
    _finish(database, site, erasure_id, customers, at)


def _begin(database: Database, site: Site, erasure_id: str, at: datetime) -> Customers | None:
    """The customers to delete; None where it has to wait. The next try is scheduled first, so a crash here delays nobody."""
    with database.begin(site, at, ERASER) as ctx:
        reader = lock_reader(ctx.session, _reader_id(ctx, erasure_id))
        erasure = _lock(ctx, erasure_id)
        if erasure is None:
            return None
        erasure.tries += 1
        erasure.next_attempt_at = again_at(erasure.tries, at)
        return _customers(ctx.session, reader) if _may_go_on(ctx, erasure, reader) else None


def _reader_id(ctx: TransactionContext, erasure_id: str) -> str:
    return ctx.session.get_one(Erasure, erasure_id).reader_id


def _lock(ctx: TransactionContext, erasure_id: str) -> Erasure | None:
    """The erasure if it is still open. The reader is locked before it, as where readers take it back: two orders would deadlock."""
    erasure = lock_one(ctx.session, Erasure, erasure_id)
    return erasure if erasure.done_at is None and erasure.taken_back_at is None else None


def _may_go_on(ctx: TransactionContext, erasure: Erasure, reader: Reader) -> bool:
    """Whether nothing is open. A reader who has subscribed again wants the account: that takes the erasure back."""
    if live_of(ctx.session, reader.id) is not None:
        erasure.taken_back_at = ctx.at
        log_event(ctx.session, "erasure taken back", reader=reader.id)
        return False
    return not what_is_open(ctx.session, reader)


def _customers(session: Session, reader: Reader) -> Customers:
    given = {"reader_id": reader.id, "addresses": _addresses(session, reader)}
    return frozenset((row[0], row[1]) for row in session.connection().execute(_CUSTOMERS, given))


def _addresses(session: Session, reader: Reader) -> list[str]:
    """The reader's address, and earlier ones that are nobody else's, in lower case."""
    return [reader.email.lower(), *earlier_addresses(session, reader)]


def _finish(database: Database, site: Site, erasure_id: str, deleted: Customers, at: datetime) -> None:
    """Delete and blank all by the register. What began while the acquirer was asked makes it wait once more."""
    with database.begin(site, at, ERASER) as ctx:
        reader_id = _reader_id(ctx, erasure_id)
        _lock_ways_in(ctx, by_id(ctx.session, reader_id))
        # Also against new rows that refer to it: they wait here, and a trigger refuses them then.
        reader = lock_one(ctx.session, Reader, reader_id)
        erasure = _lock(ctx, erasure_id)
        if erasure is None:
            return
        if not _may_go_on(ctx, erasure, reader) or _customers(ctx.session, reader) != deleted:
            return
        erase_rows(ctx, erasure, reader)
        erasure.done_at = at
        log_event(ctx.session, "reader erased", reader=reader.id)


def _lock_ways_in(ctx: TransactionContext, reader: Reader) -> None:
    """Whoever signs in locks the link or the passkey, and then has its session wait for the reader. The other order would
    deadlock."""
    for address in sorted(_addresses(ctx.session, reader)):
        sign_in.lock_links_of(ctx, address)
    mine = select(Passkey.id).where(Passkey.reader_id == reader.id)
    ctx.session.exec(mine.order_by(col(Passkey.id)).with_for_update()).all()


def erase_rows(ctx: TransactionContext, erasure: Erasure, reader: Reader) -> None:
    """Run the register's statements. The triggers of append-only tables let them through while this erasure is open."""
    # Web processes hold what gifts open, and learn of a gift's change, not of its deletion.
    gifts.revoke_all(ctx, reader.id, reason="the account of its giver was erased")
    ctx.session.flush()
    addresses = _addresses(ctx.session, reader)
    connection = ctx.session.connection()
    # `true`: until the transaction ends, as the connection goes back to the pool; SET LOCAL takes no parameter
    connection.execute(sa.text("SELECT set_config('masthead.erasing', :id, true)"), {"id": erasure.id})
    for table in register.TABLES:
        if not table.erasing:
            continue
        for address in addresses if table.by_address else addresses[:1]:
            given = {"reader_id": reader.id, "address": address, "at": ctx.at, "zone": ctx.zone.key}
            connection.execute(sa.text(table.erasing), given)
    ctx.session.expire(reader)


NEXT_DUE = (
    f"SELECT CASE WHEN NOT EXISTS ({ASKING}) THEN (SELECT min(next_attempt_at) FROM erasure WHERE {OPEN}) END"  # noqa: S608
)
"""When an erasure is due next; never while money is held (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "a reader who asked for it is erased"
