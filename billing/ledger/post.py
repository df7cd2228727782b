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
    """A fact to write, dated `on`. `lines` are minor units (cents) of one currency: debit positive, credit negative, zeros left
    out. A day whose VAT return is filed stays as it is: the fact is written on the first open day. For a credit, `supply_on` is the
    day of the sale that it takes back (VAT-12). Raises Unbalanced."""

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


def post(session: Session, posting: Posting) -> bool:
    """Write one fact; whether it was new. The same fact again changes nothing. Raises PostedOtherwise."""
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
CLOSED_THROUGH = "SELECT max(last) FROM closed_period WHERE reopened_at IS NULL"
"""The last day into which nothing is posted (see `billing.ledger.closing`); NULL where all days are open."""
# One statement for any number of postings: a billing run writes thousands a second, and a round trip for each line
# would be most of its time. PostgreSQL runs `lines` although nothing reads it. `greatest` skips NULL: with no day closed, a
# fact keeps its own.
_POST = sa.text(
    f"""
    WITH posted AS (
        INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, vat_basis_points, currency)
        SELECT kind, source_id, at, greatest("on", ({CLOSED_THROUGH}) + 1), supply_on, vat_basis_points, currency
        FROM {bulk.recordset("facts", "fact", _FACT)}
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
    """Write facts; how many were new. Raises PostedOtherwise."""
    facts = [
        {name: getattr(posting, name) for name in _FACT} | {"supply_on": posting.supply_on or posting.on}
        for posting in postings
    ]
    lines = [
        {"kind": posting.kind, "source_id": posting.source_id, "account": account, "amount": amount}
        for posting in postings
        for account, amount in posting.lines.items()
        if amount
    ]
    new = session.execute(_POST, {"facts": bulk.as_json(facts), "lines": bulk.as_json(lines)})
    written = {(kind, source_id) for kind, source_id in new}
    for posting in postings:
        if (posting.kind, posting.source_id) not in written:
            _refuse_other_lines(session, posting)
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
    """Those of these sources whose fact of this kind is in the books."""
    known = select(LedgerTransaction.source_id).where(
        LedgerTransaction.kind == kind, bulk.one_of(LedgerTransaction.source_id, set(source_ids))
    )
    return set(session.exec(known))


def _refuse_other_lines(session: Session, posting: Posting) -> None:
    lines = {account: amount for account, amount in posting.lines.items() if amount}
    if lines_of(session, posting.kind, posting.source_id) != lines:
        raise PostedOtherwise(f"{posting.kind} {posting.source_id}")
