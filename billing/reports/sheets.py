"""Tables as CSV for spreadsheets, line by line: a year of them needs no more memory than a day."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.context import TransactionContext
from billing.rules.money import major
from billing.rules.periods import last_of_month

Rows = Iterator[Sequence[object]]
_AT_ONCE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet(ABC):
    """One file: its name and its columns."""

    name: str
    columns: tuple[str, ...]

    @abstractmethod
    def _cells(self, ctx: TransactionContext, first: date, last: date) -> Rows: ...

    def lines(self, ctx: TransactionContext, first: date, last: date) -> Iterator[str]:
        """The file of the days from the first to the last, both included, line by line."""
        return lines(self.columns, self._cells(ctx, first, last))


@dataclass(frozen=True)
class PeriodSheet(Sheet):
    """A file of what happened in these days."""

    rows: Callable[[Session, date, date], Rows]

    def _cells(self, ctx: TransactionContext, first: date, last: date) -> Rows:
        return self.rows(ctx.session, first, last)


@dataclass(frozen=True)
class StandingSheet(Sheet):
    """A file of how things stood at the end of the last day; now, while that isn't over."""

    rows: Callable[[TransactionContext, date], Rows]

    def _cells(self, ctx: TransactionContext, _: date, last: date) -> Rows:
        return self.rows(ctx, min(last, ctx.today))


def sides(amount: int, currency: str) -> tuple[object, object]:
    """A line's amount in the column of its side, debit or credit, without a sign. Minor units (cents), a credit below zero."""
    return (major(amount, currency), "") if amount > 0 else ("", major(-amount, currency))


def stream(session: Session, query: sa.TextClause, first: date, last: date) -> Iterator[Any]:
    """The rows of a query for a sheet, fetched while they are written."""
    options = {"yield_per": _AT_ONCE}
    yield from session.execute(query, {"first": first, "last": last}, execution_options=options)


def file_stem(name: str, first: date, last: date, today: date) -> str:
    """The one name of a file, without its ending: `journal-2027-03`, `journal-2027-03-01-to-2027-04-30`. A file of days that aren't
    over says so, since it will be another tomorrow."""
    month = first.day == 1 and last == last_of_month(first.year, first.month)
    days = f"{first:%Y-%m}" if month else f"{first}-to-{last}"
    return f"{name}-{days}" + ("-not-over" if last >= today else "")


class _Echo:
    """A file for csv.writer, whose `writerow` returns what `write` returns."""

    def write(self, text: str) -> str:
        return text


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a file, the head first. No cell begins as a formula, whatever a reader wrote in it."""
    writer = csv.writer(_Echo())
    for row in chain([columns], rows):
        yield writer.writerow([tame(cell) for cell in row])


def tame(cell: object) -> object:
    """A cell for a spreadsheet: text that would be a formula gets an apostrophe; numbers stay numbers."""
    text = cell.isoformat() if isinstance(cell, date | datetime) else cell
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
