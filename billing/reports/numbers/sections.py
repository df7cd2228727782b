"""Every section of the numbers, in the order of the page."""

from billing.reports.numbers.shape import Count, Question, Section

SECTIONS: tuple[Count, ...] = ()


def count(question: Question) -> list[Section]:
    """All sections of a period."""
    return [section(question) for section in SECTIONS]
