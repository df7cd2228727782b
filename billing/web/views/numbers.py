"""The publisher's numbers."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """A figure, spelled; `value` and `before` are empty where nothing can be said."""

    title: str
    definition: str
    value: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHead:
    title: str
    is_number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShown:
    """A table, spelled, with its chart and the addresses of its files."""

    key: str
    title: str
    definition: str
    head: tuple[TableHead, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Markup | None
    csv: str
    json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionShown:
    """A section; `address` is the page of it alone, with its tables."""

    key: str
    title: str
    address: str
    figures: tuple[FigureRow, ...]
    tables: tuple[TableShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffNumbersPage:
    """All figures of a period, or one section with its tables. `since` and `until` are what was typed."""

    template: ClassVar[str] = "staff/numbers.html"
    since: str
    until: str
    period: tuple[date, date] | None
    before: tuple[date, date] | None
    periods: tuple[tuple[str, str], ...]
    """Name and address of usual periods."""
    sections: tuple[SectionShown, ...]
    others: tuple[tuple[str, str], ...]
    """Name and address of the sections' pages, and of all figures."""
    address: str
    """Of this page, without its period."""
    title: str
    csv: str
    json: str
    error: str | None = None
