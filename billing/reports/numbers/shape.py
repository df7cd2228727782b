"""What the numbers are made of: a period, figures and tables with their definitions, and the sections that count them.

A section is a function of `NumbersQuestion`. It reads ledger and history and returns figures and tables; pages, files, commands and metrics
show what it returned, so all give the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.rules.money import BASE_CURRENCY, grouped, spelled
from billing.rules.periods import start_of_day

Cell = str | int | date | None
"""A value of a column: text, a whole number in the column's unit, a day, or None where nothing can be said."""
MOST_DAYS = 1830
"""The longest period: five years."""
USUAL_DAYS = 30
YEARS = range(2010, 2100)


class NotAPeriodOfNumbers(Invalid):
    """A period runs from a day to the same or a later day, is at most five years long, and lies between the years 2010 and 2100."""

    code = "bad_period"


class Unit(StrEnum):
    """What a number counts."""

    COUNT = "count"
    CENTS = "cents"
    """Of our own currency. Each definition says whether VAT is included."""
    BASIS_POINTS = "basis_points"
    """Hundredths of a per cent."""
    TEXT = "text"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class NumbersPeriod:
    """Civil days in the publisher's zone, from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < MOST_DAYS:
            raise NotAPeriodOfNumbers

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "NumbersPeriod":
        """The period of equal length that ends the day before."""
        length = timedelta(days=self.days)
        return NumbersPeriod(self.first - length, self.last - length)

    def instants(self, site: Site) -> tuple[datetime, datetime]:
        """When it begins, and when the day after it begins."""
        return start_of_day(self.first, site.zone), start_of_day(self.last + timedelta(days=1), site.zone)


def chosen(first: date | None, last: date | None, today: date) -> NumbersPeriod:
    """The period that somebody asks for; by default the thirty days up to yesterday. Raises NotAPeriodOfNumbers."""
    end = last or today - timedelta(days=1)
    # the years are looked at before anything is computed with them, and not in `NumbersPeriod`: the period before may begin earlier
    if end.year not in YEARS or (first or end).year not in YEARS:
        raise NotAPeriodOfNumbers
    return NumbersPeriod(first or end - timedelta(days=USUAL_DAYS - 1), end)


@dataclass(frozen=True, slots=True)
class NumbersQuestion:
    """What a section answers: the numbers of a period, as known at the instant `at`."""

    session: Session
    site: Site
    period: NumbersPeriod
    at: datetime

    @property
    def today(self) -> date:
        """The civil day of `at`."""
        return self.site.today(self.at)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a period, with the same of the period before; None where nothing can be said."""

    key: str
    """Of small letters and hyphens, unique among figures: metrics and JSON name it so."""
    title: str
    definition: str
    """Whole sentences: what counts, from where, with or without VAT."""
    unit: Unit
    value: int | None
    before: int | None


class Chart(StrEnum):
    """How a table is drawn: its first column along the bottom, its other numbers as lines or bars."""

    LINES = "lines"
    BARS = "bars"
    STACKED = "stacked"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and what its cells are."""

    title: str
    unit: Unit = Unit.COUNT
    drawn: bool = True
    """Whether the chart shows it. The first column and text never are."""
    names: bool = False
    """Whether the chart names its bars by this column too: the first one alone doesn't tell them apart."""


@dataclass(frozen=True, slots=True)
class NumbersTable:
    """Rows of a period. Its CSV and JSON have the same rows; `chart` draws them."""

    key: str
    """Of small letters and hyphens, unique among tables: its files are `/staff/numbers/{key}.csv` and `.json`."""
    title: str
    definition: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    chart: Chart | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """What the ids in its first column, or in its headings, are called. Files have both."""

    def by_name(self) -> "NumbersTable":
        """The table for people: names in place of ids. One without a name stays an id."""
        columns = tuple(replace(each, title=self._name(each.title)) for each in self.columns)
        rows = tuple((self._name(row[0]), *row[1:]) for row in self.rows) if self.is_of_ids else self.rows
        return replace(self, columns=columns, rows=rows)

    @property
    def is_of_ids(self) -> bool:
        """Whether the first column has ids that have names."""
        return bool(self.names) and self.columns[0].unit is Unit.TEXT

    def _name(self, of: Any) -> Any:
        return self.names.get(of, of)


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together on the page."""

    key: str
    title: str
    figures: tuple[Figure, ...] = ()
    tables: tuple[NumbersTable, ...] = ()


Count = Callable[[NumbersQuestion], Section]
"""A section's function. It only reads; it names no reader."""


def share(part: int, whole: int) -> int | None:
    """`part` of `whole` in basis points, rounded half up; None where there is no whole."""
    return (part * 20_000 + whole) // (2 * whole) if whole > 0 else None


def spelled_value(cell: Cell, unit: Unit) -> str:
    """A value for people; empty where nothing can be said."""
    if cell is None:
        return ""
    if isinstance(cell, int) and unit is Unit.CENTS:
        return spelled(cell, BASE_CURRENCY)
    if isinstance(cell, int) and unit is Unit.BASIS_POINTS:
        return f"{cell / 100:.1f}%"
    if isinstance(cell, int):
        return grouped(cell)
    return f"{cell.day}\u00a0{cell:%b\u00a0%Y}" if isinstance(cell, date) else cell
