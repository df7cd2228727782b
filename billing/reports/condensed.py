"""The condensed journal: of each day or month, one entry for each kind of posting, with account codes of the publisher's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from sqlmodel import Session

from billing.ledger.models import Account
from billing.reports.book_words import kind_words
from billing.rules.periods import last_of_month


class JournalUnit(StrEnum):
    """What one entry of the journal sums up."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A line: minor units (cents), debit positive, credit negative, never zero."""

    account: Account
    amount: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """All postings of one kind and currency in a unit, dated its last day; the lines sum to zero."""

    on: date
    kind: str
    currency: str
    lines: tuple[EntryLine, ...]

    @property
    def words(self) -> str:
        """What it is, with its day: no two entries of a currency share it."""
        return f"{kind_words(self.kind)}, {self.on.isoformat()}"


_SUMS = sa.text(
    """
    SELECT date_trunc(:unit, t."on"::timestamp)::date AS starts_on, t.kind, t.currency, e.account, sum(e.amount) AS amount
    FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id
    WHERE t."on" BETWEEN :first AND :last
    GROUP BY 1, 2, 3, 4 HAVING sum(e.amount) <> 0
    ORDER BY 1, 2, 3, sum(e.amount) < 0, 4
    """
)


def entries(session: Session, first: date, last: date, unit: JournalUnit) -> Iterator[JournalEntry]:
    """The entries of the days from `first` to `last`, both included, in the order of their days."""
    rows = session.execute(_SUMS, {"unit": unit.value, "first": first, "last": last})
    for (starts_on, kind, currency), sums in groupby(rows, attrgetter("starts_on", "kind", "currency")):
        lines = tuple(EntryLine(Account(row.account), int(row.amount)) for row in sums)
        yield JournalEntry(min(_last_day(starts_on, unit), last), kind, currency, lines)


def _last_day(starts_on: date, unit: JournalUnit) -> date:
    return starts_on if unit is JournalUnit.DAY else last_of_month(starts_on.year, starts_on.month)
