"""Ask for the numbers of a world, as pages and commands do."""

from datetime import date

from billing.reports.numbers import sections
from billing.reports.numbers.shape import Cell, Figure, NumbersPeriod, NumbersQuestion, NumbersTable, Section
from tests.support.world import World


def ask(world: World, first: date, last: date) -> list[Section]:
    """All sections of a period."""
    services = world.services
    with services.database.transaction() as session:
        return sections.count(NumbersQuestion(session, services.site, NumbersPeriod(first, last), world.now))


def figures(world: World, first: date, last: date) -> dict[str, Figure]:
    """Every figure by its key."""
    return {figure.key: figure for section in ask(world, first, last) for figure in section.figures}


def tables(world: World, first: date, last: date) -> dict[str, NumbersTable]:
    """Every table by its key."""
    return {table.key: table for section in ask(world, first, last) for table in section.tables}


def row(table: NumbersTable, name: Cell) -> tuple[Cell, ...]:
    """The row whose first cell is this, without that cell."""
    (found,) = (row[1:] for row in table.rows if row[0] == name)
    return found


def whole(cell: Cell) -> int:
    """The number in a cell; 0 where nothing can be said."""
    assert isinstance(cell, int | None)
    return cell or 0
