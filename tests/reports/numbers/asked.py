"""Ask for the numbers of a world, as pages and commands do."""

from datetime import date

from sqlmodel import col, select

from billing.reports.numbers import days, sections
from billing.reports.numbers.days import DayFact
from billing.reports.numbers.models import NumberDay
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


def wrongly_kept(world: World, period: NumbersPeriod) -> list[tuple[DayFact, int]]:
    """Where kept days differ from a fresh computation: the fresh fact, and the value that is kept."""
    services = world.services
    with services.database.transaction() as session:
        computed = days.compute(session, services.site, period)
        rows = session.exec(select(NumberDay).where(col(NumberDay.day).between(period.first, period.last)))
        kept = {(row.day, row.measure, row.of): row.value for row in rows}
    fresh = {(fact.day, fact.measure, fact.of): fact.value for fact in computed}
    return [
        (DayFact(*key, fresh.get(key, 0)), kept.get(key, 0))
        for key in sorted(fresh.keys() | kept.keys())
        if fresh.get(key, 0) != kept.get(key, 0)
    ]
