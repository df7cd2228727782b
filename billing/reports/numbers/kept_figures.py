"""The figures of the last thirty kept days, for `/metrics`: counted once a night, when there is another kept day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from billing.platform.site import Site
from billing.reports.numbers import sections
from billing.reports.numbers.days import kept_through
from billing.reports.numbers.shape import Figure, NumbersPeriod, NumbersQuestion

DAYS = 30


class KeptFigures:
    """The latest figures, held until another day is kept. What is of now, such as the forecast, is of the moment when they were counted."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._held: tuple[date, Sequence[Figure]] | None = None

    def figures(self, session: Session, at: datetime) -> Sequence[Figure]:
        """Every figure, as known now; none before the first night."""
        through = kept_through(session)
        if through is None:
            return ()
        if self._held is None or self._held[0] != through:
            period = NumbersPeriod(through - timedelta(days=DAYS - 1), through)
            question = NumbersQuestion(session, self._site, period, at)
            found = [figure for section in sections.count(question) for figure in section.figures]
            self._held = through, found
        return self._held[1]
