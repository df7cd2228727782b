"""Send a reader's new address to the acquirer's customers, in three steps: intend, call, record.

A crash after the first step repeats the call later: giving a customer the same address twice changes nothing."""

import logging
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from billing.acquirer.answers import Unknown
from billing.acquirer.registry import Acquirers
from billing.address_changes import follow
from billing.personal_data.due import do_each
from billing.platform.actors import Worker
from billing.platform.db import Database, lock_row
from billing.platform.installation import ASKING, refuse_held
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.readers.address_change import CUSTOMER_DUE, AddressChange
from billing.readers.models import Reader
from billing.readers.register import lock_reader
from billing.rules.addresses import is_erased
from billing.rules.backoff import again_at

ADDRESSER = Worker("give the acquirer new addresses")
_CUSTOMERS = sa.text(
    """SELECT acquirer, customer_ref FROM payment_method WHERE reader_id = :reader_id
       UNION SELECT acquirer, customer_ref FROM card_setup WHERE customer_ref IS NOT NULL AND reader_id = :reader_id"""
)
log = logging.getLogger(__name__)


class AddressUpdate(NamedTuple):
    """What is sent: the address, to which customers of which acquirers, under which key."""

    email: str
    customers: frozenset[tuple[str, str]]
    key: str


def update_due(database: Database, acquirers: Acquirers, site: Site, at: datetime) -> int:
    """Send what is due; how many changes were looked at. One that can't be sent delays no other.

    Raises NotAdopted, AsksAcquirer: a copied database must not change customers at the acquirer."""
    with database.transaction() as session:
        refuse_held(session)
    return do_each(
        database,
        AddressChange,
        AddressChange.customer_due_at,
        CUSTOMER_DUE,
        at,
        lambda change_id: _update(database, acquirers, site, change_id, at),
    )


def _update(database: Database, acquirers: Acquirers, site: Site, change_id: str, at: datetime) -> None:
    intended = _intend(database, site, change_id, at)
    if intended is None:
        return
    for acquirer, customer_ref in sorted(intended.customers):
        gateway = acquirers.named(acquirer)
        answer = gateway.update_customer(
            customer_ref, email=intended.email, key=f"{intended.key}-{customer_ref}"
        )
        if isinstance(answer, Unknown):
            log.warning("the address of the change %s waits for the acquirer: %s", change_id, answer.reason)
            return
    stop_point("customer.readdressed")
    _record(database, site, change_id, intended, at)


def _intend(database: Database, site: Site, change_id: str, at: datetime) -> AddressUpdate | None:
    """What to send; None where nothing is due any more, or an erasure has deleted the change. The next try is scheduled first, so a
    crash here delays nobody."""
    with database.begin(site, at, ADDRESSER) as ctx:
        change = lock_row(ctx.session, AddressChange, change_id)
        if change is None or change.customer_due_at is None or change.customer_due_at > at:
            return None
        change.tries += 1
        change.customer_due_at = again_at(change.tries, at)
        reader = ctx.session.get_one(Reader, change.reader_id)
        return AddressUpdate(reader.email, _customers(ctx.session, reader.id), f"{change.id}-{change.tries}")


def _customers(session: Session, reader_id: str) -> frozenset[tuple[str, str]]:
    rows = session.connection().execute(_CUSTOMERS, {"reader_id": reader_id})
    return frozenset((row[0], row[1]) for row in rows)


def _record(database: Database, site: Site, change_id: str, sent: AddressUpdate, at: datetime) -> None:
    """The acquirer has it. What changed meanwhile is sent at once, and mails that a worker has given back since follow too."""
    with database.begin(site, at, ADDRESSER) as ctx:
        found = ctx.session.get(AddressChange, change_id)
        if found is None:
            return
        # before the change, as all that change an address; else mails could follow to one that is just being put back
        reader = lock_reader(ctx.session, found.reader_id)
        change = lock_row(ctx.session, AddressChange, change_id)
        if change is None:
            return
        is_true = reader.email == sent.email and _customers(ctx.session, reader.id) == sent.customers
        change.customer_due_at = None if is_true else at
        if is_true and not is_erased(reader.email):
            follow.redirect_mails(ctx, reader)


NEXT_DUE = f"SELECT CASE WHEN NOT EXISTS ({ASKING}) THEN (SELECT min(customer_due_at) FROM address_change WHERE {CUSTOMER_DUE}) END"  # noqa: S608
"""When an address is sent next; never while money is held (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "our payment partner gets a reader's new address"
