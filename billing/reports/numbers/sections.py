"""Every section of the numbers, in the order of the page."""

from billing.platform.db import keep_loaded
from billing.platform.errors import NotFound
from billing.reports.numbers.answers import figures_as_table
from billing.reports.numbers.dunning import dunning
from billing.reports.numbers.forecast import forecast
from billing.reports.numbers.money import money
from billing.reports.numbers.newsletters import newsletters
from billing.reports.numbers.origins import origins
from billing.reports.numbers.recurring import recurring
from billing.reports.numbers.schemes import schemes
from billing.reports.numbers.shape import Count, NumbersQuestion, NumbersTable, Section
from billing.reports.numbers.trials import trials

SECTIONS: tuple[Count, ...] = (recurring, trials, dunning, money, schemes, newsletters, origins, forecast)
"""Each gives the section whose key is the function's name."""
TITLES = {
    "recurring": "Recurring revenue",
    "trials": "Trials",
    "dunning": "Failed payments",
    "money": "Money",
    "schemes": "Disputes",
    "newsletters": "Newsletters",
    "origins": "What led to subscriptions",
    "forecast": "Forecast",
}
"""The title of each, in the same order."""
TABLES: dict[str, Count] = {
    **dict.fromkeys(("mrr-movement", "plans", "paying", "churn", "retention", "cohorts"), recurring),
    **dict.fromkeys(("trials", "states"), trials),
    **dict.fromkeys(("dunning",), dunning),
    **dict.fromkeys(("charges", "money"), money),
    **dict.fromkeys(("dispute-rates", "disputes"), schemes),
    **dict.fromkeys(("newsletters", "newsletter-growth"), newsletters),
    **dict.fromkeys(("origins-by-article", "origins-by-section", "origins-by-newsletter"), origins),
    **dict.fromkeys(("forecast-by-day", "forecast-by-plan", "forecast-deferred"), forecast),
}
"""Which section has the table with a key, so that no other is counted for its file."""


class UnknownNumbersSection(NotFound):
    """There is no such section of the numbers."""

    code = "unknown_section"


class UnknownNumbersTable(NotFound):
    """There is no such table of the numbers."""

    code = "unknown_table"


def named(key: str) -> Count:
    """The section with this key. Raises UnknownNumbersSection."""
    found = next((section for section in SECTIONS if section.__name__ == key), None)
    if found is None:
        raise UnknownNumbersSection
    return found


def count(question: NumbersQuestion) -> list[Section]:
    """All sections of a period."""
    keep_loaded(question.session)  # so that how far the days are kept is asked once
    return [section(question) for section in SECTIONS]


def table(question: NumbersQuestion, key: str) -> NumbersTable:
    """The table with this key, or all `figures`. Raises UnknownNumbersTable."""
    if key == "figures":
        return figures_as_table(count(question))
    section = TABLES.get(key)
    if section is None:
        raise UnknownNumbersTable
    return next(table for table in section(question).tables if table.key == key)
