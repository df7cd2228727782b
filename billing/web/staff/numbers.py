"""The publisher's numbers: all figures of a period, each section with charts and tables, and each table as CSV and JSON.

They name no reader, so an export isn't audited, and a member needs no new code for it."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from starlette.responses import Response

from billing.platform.errors import Invalid
from billing.platform.typed import NotADay, read_day
from billing.reports import sheets
from billing.reports.numbers import answers, sections
from billing.reports.numbers.shape import (
    Count,
    Figure,
    NotAPeriodOfNumbers,
    NumbersPeriod,
    NumbersQuestion,
    NumbersTable,
    Section,
    Unit,
    chosen,
    spelled_value,
)
from billing.rules.periods import add_months
from billing.staff.roles import Permission
from billing.web.staff.csv_answer import stream_csv
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.number_charts import draw
from billing.web.views.numbers import FigureRow, SectionShown, StaffNumbersPage, TableHead, TableShown

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.NUMBERS)]
First = Annotated[str, Query(alias="from", max_length=20)]
Last = Annotated[str, Query(alias="to", max_length=20)]
ROOM = "/staff/numbers"
_DAY = timedelta(days=1)


def read_period(first: str, last: str, today: date) -> NumbersPeriod:
    """The period that was typed; see `chosen`. Raises NotADay, NotAPeriodOfNumbers."""
    return chosen(read_day(first) if first else None, read_day(last) if last else None, today)


def usual(today: date) -> Iterator[tuple[str, NumbersPeriod]]:
    """Periods that are asked for often."""
    month = today.replace(day=1)
    yesterday = today - _DAY
    yield "30 days", chosen(None, None, today)
    yield "This month", NumbersPeriod(month, today)
    yield "Last month", NumbersPeriod(add_months(month, -1), month - _DAY)
    yield "90 days", NumbersPeriod(yesterday - timedelta(days=89), yesterday)
    yield "12 months", NumbersPeriod(add_months(month, -12), month - _DAY)


@router.get(ROOM)
def overview(visit: Seeing, first: First = "", last: Last = "") -> Response:
    """All figures of a period."""
    return _page(visit, first, last, None)


@router.get(f"{ROOM}/{{key}}.csv")
def as_csv(visit: Seeing, key: str, first: First = "", last: Last = "") -> Response:
    """A table as a file for spreadsheets, or all `figures`. Raises UnknownNumbersTable, NotADay, NotAPeriodOfNumbers."""
    period = read_period(first, last, visit.today)
    table = _table(visit, key, period)
    return stream_csv(f"{key}-{period.first}-{period.last}.csv", sheets.lines(*answers.as_rows(table)))


@router.get(f"{ROOM}/{{key}}.json")
def as_json(visit: Seeing, key: str, first: First = "", last: Last = "") -> Response:
    """The same for programs. Raises UnknownNumbersTable, NotADay, NotAPeriodOfNumbers."""
    period = read_period(first, last, visit.today)
    return JSONResponse(answers.table_as_json(_table(visit, key, period), period))


@router.get(f"{ROOM}/{{section}}")
def one_section(visit: Seeing, section: str, first: First = "", last: Last = "") -> Response:
    """One section with its charts and tables. Raises UnknownNumbersSection."""
    return _page(visit, first, last, sections.named(section))


def _table(visit: StaffVisit, key: str, period: NumbersPeriod) -> NumbersTable:
    with visit.begin() as ctx:  # `coming_charges` sets what ends with a transaction
        return sections.table(NumbersQuestion(ctx.session, ctx.site, period, visit.at), key)


def _page(visit: StaffVisit, first: str, last: str, section: Count | None) -> Response:
    address = f"{ROOM}/{section.__name__}" if section else ROOM
    try:
        period = read_period(first, last, visit.today)
    except (NotADay, NotAPeriodOfNumbers) as refusal:
        return visit.page(_view(visit, address, (first, last), [], None, refusal), refusal.status)
    with visit.begin() as ctx:
        question = NumbersQuestion(ctx.session, ctx.site, period, visit.at)
        found = [section(question)] if section else sections.count(question)
    return visit.page(_view(visit, address, (first, last), found, period, None))


def _view(
    visit: StaffVisit,
    address: str,
    typed: tuple[str, str],
    found: list[Section],
    period: NumbersPeriod | None,
    refusal: Invalid | None,
) -> StaffNumbersPage:
    query = _query(period)
    alone = address != ROOM
    return StaffNumbersPage(
        since=period.first.isoformat() if period else typed[0],
        until=period.last.isoformat() if period else typed[1],
        period=(period.first, period.last) if period else None,
        before=(period.before.first, period.before.last) if period else None,
        periods=tuple((name, f"{address}{_query(usually)}") for name, usually in usual(visit.today)),
        sections=tuple(section_view(section, query, alone=alone) for section in found),
        others=(
            ("All figures", f"{ROOM}{query}"),
            *((title, f"{ROOM}/{name}{query}") for name, title in sections.TITLES.items()),
        ),
        address=address,
        title=found[0].title if alone and found else "Numbers",
        csv=f"{ROOM}/figures.csv{query}",
        json=f"{ROOM}/figures.json{query}",
        error=refusal.detail if refusal else None,
    )


def _query(period: NumbersPeriod | None) -> str:
    return f"?{urlencode({'from': period.first, 'to': period.last})}" if period else ""


def section_view(section: Section, query: str, *, alone: bool) -> SectionShown:
    """A section for the page; `alone`: with its charts and tables."""
    return SectionShown(
        key=section.key,
        title=section.title,
        address=f"{ROOM}/{section.key}{query}",
        figures=tuple(_figure(figure) for figure in section.figures),
        tables=tuple(_shown(table, query) for table in section.tables) if alone else (),
    )


def _figure(figure: Figure) -> FigureRow:
    return FigureRow(
        title=figure.title,
        definition=figure.definition,
        value=spelled_value(figure.value, figure.unit),
        before=spelled_value(figure.before, figure.unit),
    )


def _shown(counted: NumbersTable, query: str) -> TableShown:
    table = counted.by_name()
    return TableShown(
        key=table.key,
        title=table.title,
        definition=table.definition,
        head=tuple(
            TableHead(title=column.title, is_number=column.unit not in (Unit.TEXT, Unit.DAY))
            for column in table.columns
        ),
        rows=tuple(
            tuple(spelled_value(cell, column.unit) for cell, column in zip(row, table.columns, strict=True))
            for row in table.rows
        ),
        chart=draw(table),
        csv=f"{ROOM}/{table.key}.csv{query}",
        json=f"{ROOM}/{table.key}.json{query}",
    )
