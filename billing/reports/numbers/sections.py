"""Every section of the numbers, in the order of the page."""

from billing.platform.errors import NotFound
from billing.reports.numbers.dunning import dunning
from billing.reports.numbers.money import money
from billing.reports.numbers.newsletters import newsletters
from billing.reports.numbers.recurring import recurring
from billing.reports.numbers.schemes import schemes
from billing.reports.numbers.shape import Count, NumbersQuestion, NumbersTable, Section
from billing.reports.numbers.trials import trials

SECTIONS: tuple[Count, ...] = (recurring, trials, dunning, money, schemes, newsletters)


class UnknownTable(NotFound):
    """There is no such table of numbers."""

    code = "unknown_table"


def count(question: NumbersQuestion) -> list[Section]:
    """All sections of a period."""
    return [section(question) for section in SECTIONS]


def table(question: NumbersQuestion, key: str) -> NumbersTable:
    """The table with that key; `figures` is the one of all figures. Raises UnknownTable."""
    sections = count(question)
    found = next((table for section in sections for table in section.tables if table.key == key), None)
    if found is None:
        raise UnknownTable
    return found
