"""The figures of the last thirty kept days, for `/metrics`: counted once a night, when there is another kept day."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlmodel import Session

from billing.platform.site import Site
from billing.reports.numbers import sections
from billing.reports.numbers.days import kept_through
from billing.reports.numbers.shape import Figure, NumbersPeriod, NumbersQuestion
from billing.rules.periods import start_of_day

DAYS = 30


class KeptFigures:
    """The latest figures, held until another day is kept. All of them come from kept days, so no payment is looked at."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._held: tuple[date, Sequence[Figure]] | None = None

    def figures(self, session: Session) -> Sequence[Figure]:
        """Every figure; none before the first night."""
        through = kept_through(session)
        if through is None:
            return ()
        if self._held is None or self._held[0] != through:
            period = NumbersPeriod(through - timedelta(days=DAYS - 1), through)
            question = NumbersQuestion(session, self._site, period, start_of_day(through, self._site.zone))
            found = [figure for section in sections.count(question) for figure in section.figures]
            self._held = through, found
        return self._held[1]
