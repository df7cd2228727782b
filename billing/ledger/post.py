"""Post to the books: a fact once, in the transaction that records it, and only when it adds up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, select

from billing.ledger.models import Account, LedgerTransaction
from billing.platform import bulk
from billing.rules.money import BASE_CURRENCY


class Unbalanced(ValueError):
    """The lines of a posting must sum to zero, and say something."""


class PostedOtherwise(ValueError):
    """This fact is in the books already, with other lines. What is written is never rewritten: post a correction."""


@dataclass(frozen=True, slots=True)
class Posting:
    """What to write: `lines` in minor units (cents) of one currency, debit positive, credit negative. Raises Unbalanced."""

    kind: str
    source_id: str
    at: datetime
    on: date
    lines: Mapping[Account, int]
    vat_basis_points: int | None = None
    supply_on: date | None = None
    currency: str = BASE_CURRENCY

    def __post_init__(self) -> None:
        total = sum(self.lines.values())
        if total != 0 or not any(self.lines.values()):
            raise Unbalanced(f"{self.kind} {self.source_id}: the lines sum to {total} cents")


def post(
    session: Session,
    *,
    kind: str,
    source_id: str,
    at: datetime,
    on: date,
    lines: Mapping[Account, int],
    vat_basis_points: int | None = None,
    supply_on: date | None = None,
    currency: str = BASE_CURRENCY,
) -> bool:
    """Write one fact down, dated `on`; whether it was new. The same again changes nothing. `lines` are cents: debit positive,
    credit negative; zeros are left out. `supply_on`, for a credit, is the day of the sale it takes back (VAT-12).

    Raises Unbalanced, PostedOtherwise."""
    posting = Posting(kind, source_id, at, on, lines, vat_basis_points, supply_on, currency)
    return post_many(session, [posting]) == 1


_FACT = {
    "kind": "text",
    "source_id": "text",
    "at": "timestamptz",
    "on": "date",
    "supply_on": "date",
    "vat_basis_points": "int",
    "currency": "text",
}
_LINE = {"kind": "text", "source_id": "text", "account": "text", "amount": "bigint"}
# One statement for any number of postings: a billing run writes thousands a second, and a round trip for each line
# would be most of its time.
_POST = sa.text(
    f"""
    WITH posted AS (
        INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, vat_basis_points, currency)
        SELECT * FROM {bulk.recordset("facts", "fact", _FACT)}
        ON CONFLICT (kind, source_id) DO NOTHING
        RETURNING id, kind, source_id
    ), lines AS (
        INSERT INTO ledger_entry (transaction_id, account, amount)
        SELECT posted.id, line.account, line.amount
        FROM {bulk.recordset("lines", "line", _LINE)} JOIN posted USING (kind, source_id)
    )
    SELECT kind, source_id FROM posted
    """  # noqa: S608 - names of our own
)


def post_many(session: Session, postings: Sequence[Posting]) -> int:
    """Write facts down; how many were new. Raises PostedOtherwise."""
    facts = [
        {
            "kind": one.kind,
            "source_id": one.source_id,
            "at": one.at,
            "on": one.on,
            "supply_on": one.supply_on or one.on,
            "vat_basis_points": one.vat_basis_points,
            "currency": one.currency,
        }
        for one in postings
    ]
    lines = [
        {"kind": one.kind, "source_id": one.source_id, "account": account, "amount": amount}
        for one in postings
        for account, amount in one.lines.items()
        if amount
    ]
    new = session.execute(_POST, {"facts": bulk.as_json(facts), "lines": bulk.as_json(lines)})
    written = {(kind, source_id) for kind, source_id in new}
    for one in postings:
        if (one.kind, one.source_id) not in written:
            _refuse_other_lines(session, one)
    return len(written)


def lines_of(session: Session, kind: str, source_id: str) -> dict[Account, int]:
    """What is written of a fact: cents by account; empty when it isn't in the books."""
    rows = session.execute(_LINES, {"kind": kind, "source_id": source_id})
    return {Account(account): amount for account, amount in rows}


_LINES = sa.text(
    "SELECT e.account, e.amount FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id"
    " WHERE t.kind = :kind AND t.source_id = :source_id"
)


def posted(session: Session, kind: str, source_ids: Iterable[str]) -> set[str]:
    """Of which of these sources a fact of this kind is in the books."""
    known = select(LedgerTransaction.source_id).where(
        LedgerTransaction.kind == kind, bulk.one_of(LedgerTransaction.source_id, set(source_ids))
    )
    return set(session.exec(known))


def _refuse_other_lines(session: Session, one: Posting) -> None:
    wanted = {account: amount for account, amount in one.lines.items() if amount}
    if lines_of(session, one.kind, one.source_id) != wanted:
        raise PostedOtherwise(f"{one.kind} {one.source_id}")
