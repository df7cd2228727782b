"""What sections share: days of a source for a question, steps of a period, a figure beside the period before."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.reports.numbers.days import SummedDays, load
from billing.reports.numbers.measures import Source
from billing.reports.numbers.shape import Figure, NumbersPeriod, NumbersQuestion, Unit
from billing.rules.periods import add_months

_DAY = timedelta(days=1)
MOST_DAILY, MOST_WEEKLY = 35, 190
"""Up to so many days a table has a row a day, or a row a week; above, one a month."""


@dataclass(frozen=True, slots=True)
class NumbersCounted:
    """A question, and the days of one source that answer it."""

    question: NumbersQuestion
    days: SummedDays

    @property
    def period(self) -> NumbersPeriod:
        """The period asked for."""
        return self.question.period

    def flow(self, measure: str, of: str | None = None) -> int:
        """What the period brought."""
        return self.days.total(measure, self.period.first, self.period.last, of)

    def flow_before(self, measure: str, of: str | None = None) -> int:
        """What the period before brought."""
        return self.days.total(measure, self.period.before.first, self.period.before.last, of)

    def stock(self, measure: str, of: str | None = None) -> int:
        """What there is when the period ends."""
        return self.days.stock(measure, self.period.last, of)

    def stock_at_start(self, measure: str, of: str | None = None) -> int:
        """What there was when the period began."""
        return self.days.stock(measure, self.period.first - _DAY, of)

    def stock_before(self, measure: str, of: str | None = None) -> int:
        """What there was when the period before began."""
        return self.days.stock(measure, self.period.before.first - _DAY, of)

    def flow_figure(
        self, key: str, title: str, definition: str, unit: Unit, measure: str, of: str | None = None
    ) -> Figure:
        """A figure of what the period brought."""
        return Figure(key, title, definition, unit, self.flow(measure, of), self.flow_before(measure, of))

    def stock_figure(self, key: str, title: str, definition: str, unit: Unit, measure: str) -> Figure:
        """A figure of what there is at the end."""
        return Figure(key, title, definition, unit, self.stock(measure), self.stock_at_start(measure))


def counted(question: NumbersQuestion, source: Source, since: date | None = None) -> NumbersCounted:
    """The days of a source, from the period before on, or from a day before it."""
    first = min(question.period.before.first, since or date.max)
    days = load(
        question.session, question.site, source, since=first, last=question.period.last, today=question.today
    )
    return NumbersCounted(question, days)


def steps(period: NumbersPeriod) -> list[NumbersPeriod]:
    """A period in days, in weeks from Monday, or in months, by its length. The first and the last may be cut short."""
    found, first = list[NumbersPeriod](), period.first
    while first <= period.last:
        last = min(_end_of_step(first, period.days), period.last)
        found.append(NumbersPeriod(first, last))
        first = last + _DAY
    return found


def _end_of_step(first: date, days: int) -> date:
    if days <= MOST_DAILY:
        return first
    if days <= MOST_WEEKLY:
        return first + timedelta(days=6 - first.weekday())
    return add_months(first.replace(day=1), 1) - _DAY
