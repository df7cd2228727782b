"""Other accounts that may be the same person's: by a card, by an address that both had, and those merged into this one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.payments.models import PaymentMethod
from billing.personal_data.merge_models import ReaderMerge
from billing.readers import address_change
from billing.readers.address_change import AddressChange
from billing.readers.models import Reader

MOST = 10
"""Accounts of each kind: a card that very many share is a test card, or a fraud for the cases."""


class Relation(StrEnum):
    """Why it may be the same person's."""

    SAME_CARD = "paid with the same card"
    HAS_EARLIER = "has an address that was this reader's"
    HAD_THIS = "had this reader's address before"
    MERGED = "merged into this account"


@dataclass(frozen=True, slots=True)
class RelatedAccount:
    """An account, or what is left of one that was merged: its id, its address, and since when."""

    reader_id: str
    email: str
    relation: Relation
    since: datetime | None = None
    external_id: str | None = None


def related(session: Session, reader: Reader) -> list[RelatedAccount]:
    """Accounts of perhaps the same person, each once, those that say most first."""
    found: dict[str, RelatedAccount] = {}
    for account in (*_merged(session, reader), *_by_card(session, reader), *_by_address(session, reader)):
        if account.reader_id != reader.id:
            found.setdefault(account.reader_id, account)
    return list(found.values())


def _merged(session: Session, reader: Reader) -> Iterator[RelatedAccount]:
    merges = select(ReaderMerge).where(ReaderMerge.reader_id == reader.id)
    for row in session.exec(merges.order_by(col(ReaderMerge.id).desc()).limit(MOST)):
        known_as = session.get_one(Reader, row.merged_id).external_id
        yield RelatedAccount(row.merged_id, row.freed_address or "", Relation.MERGED, row.done_at, known_as)


def _by_card(session: Session, reader: Reader) -> Iterator[RelatedAccount]:
    cards = select(PaymentMethod.fingerprint).where(PaymentMethod.reader_id == reader.id)
    others = select(PaymentMethod.reader_id).where(
        col(PaymentMethod.fingerprint).in_(cards.limit(MOST)), PaymentMethod.reader_id != reader.id
    )
    yield from _accounts(session, others.limit(10 * MOST), Relation.SAME_CARD)


def _by_address(session: Session, reader: Reader) -> Iterator[RelatedAccount]:
    changes = [row for row in address_change.of_reader(session, reader.id) if row.confirmed_at is not None]
    earlier = {address.lower() for row in changes for address in (row.old_email, row.new_email)}
    if earlier:
        have = select(Reader.id).where(sa.func.lower(Reader.email).in_(earlier))
        yield from _accounts(session, have, Relation.HAS_EARLIER)
    address = reader.email.lower()
    had = select(AddressChange.reader_id).where(
        sa.func.lower(AddressChange.old_email) == address, col(AddressChange.confirmed_at).is_not(None)
    )
    yield from _accounts(session, had.limit(10 * MOST), Relation.HAD_THIS)


def _accounts(session: Session, ids: SelectOfScalar[str], relation: Relation) -> Iterator[RelatedAccount]:
    named = sorted(set(session.exec(ids)), reverse=True)[:MOST]
    rows = select(Reader).where(col(Reader.id).in_(named), col(Reader.merged_into).is_(None))
    for row in session.exec(rows.order_by(col(Reader.id).desc())):
        yield RelatedAccount(row.id, row.email, relation, row.created_at, row.external_id)
