"""Figures and tables for programs and spreadsheets: the same rows as on the page."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from billing.reports.numbers.shape import (
    Cell,
    Column,
    Figure,
    NumbersPeriod,
    NumbersTable,
    Section,
    Unit,
)
from billing.rules.money import major

_SUFFIX = {Unit.CENTS: ", R", Unit.BASIS_POINTS: ", %"}


def figures_as_table(sections: Iterable[Section]) -> NumbersTable:
    """Every figure in one table. Values have their unit in a column, as each has its own."""
    rows = [
        (figure.key, figure.title, figure.unit.value, figure.value, figure.before, figure.definition)
        for section in sections
        for figure in section.figures
    ]
    columns = (
        *(Column("Key", Unit.TEXT), Column("Figure", Unit.TEXT), Column("Unit", Unit.TEXT)),
        *(Column("Value"), Column("Period before"), Column("Definition", Unit.TEXT)),
    )
    words = "Every figure of the period. Cents are of our own currency; 100 basis points are one per cent."
    return NumbersTable("figures", "Figures", words, columns, tuple(rows))


def _named(table: NumbersTable) -> NumbersTable:
    """The table for files: a column with the name of each id beside it."""
    if not table.is_of_ids:
        return table
    columns = (table.columns[0], Column("Name", Unit.TEXT), *table.columns[1:])
    rows = tuple((row[0], table.names.get(str(row[0])), *row[1:]) for row in table.rows)
    return replace(table, columns=columns, rows=rows)


def _titled(table: NumbersTable, column: Column) -> str:
    """The heading in a spreadsheet; of an id, with its name."""
    name = table.names.get(column.title)
    return f"{column.title} ({name})" if name else column.title


def as_rows(table: NumbersTable) -> tuple[list[str], list[list[object]]]:
    """Headings and rows for a spreadsheet: amounts in rand, shares in per cent."""
    table = _named(table)
    head = [f"{_titled(table, column)}{_SUFFIX.get(column.unit, '')}" for column in table.columns]
    rows = [
        [_cell(cell, column.unit) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    return head, rows


def _cell(cell: Cell, unit: Unit) -> object:
    if cell is None:
        return ""
    if isinstance(cell, int) and unit in (Unit.CENTS, Unit.BASIS_POINTS):
        return major(cell)
    return cell


def table_as_json(table: NumbersTable, period: NumbersPeriod) -> dict[str, Any]:
    """A table for programs: whole numbers, each column with its unit; where its title is an id, with its name."""
    table = _named(table)
    return {
        **_period(period),
        "key": table.key,
        "title": table.title,
        "definition": table.definition,
        "columns": [_column(table, column) for column in table.columns],
        "rows": [[_plain(cell) for cell in row] for row in table.rows],
    }


def _column(table: NumbersTable, column: Column) -> dict[str, str]:
    name = table.names.get(column.title)
    return {"title": column.title, "unit": column.unit.value} | ({"name": name} if name else {})


def all_as_json(sections: Iterable[Section], period: NumbersPeriod) -> dict[str, Any]:
    """Every section for programs: figures, and tables as `table_as_json` gives them."""
    return {
        **_period(period),
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "figures": [figure_as_json(figure) for figure in section.figures],
                "tables": [table_as_json(table, period) for table in section.tables],
            }
            for section in sections
        ],
    }


def figure_as_json(figure: Figure) -> dict[str, Any]:
    """A figure for programs."""
    return {
        "key": figure.key,
        "title": figure.title,
        "definition": figure.definition,
        "unit": figure.unit.value,
        "value": figure.value,
        "before": figure.before,
    }


def _period(period: NumbersPeriod) -> dict[str, Any]:
    before = period.before
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "before": {"from": before.first.isoformat(), "to": before.last.isoformat()},
    }


def _plain(cell: Cell) -> Any:
    return cell.isoformat() if isinstance(cell, date) else cell
