"""Compute what each day brought, and keep it once the day is closed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

import sqlalchemy as sa
from sqlmodel import Session, col, delete

from billing.platform import bulk
from billing.platform.claims import only_one
from billing.platform.db import Database
from billing.platform.site import Site
from billing.platform.stop_points import stop_point
from billing.reports.numbers import paid_by_starts
from billing.reports.numbers.measures import SOURCES, Source
from billing.reports.numbers.models import NumberDay, NumberMark
from billing.reports.numbers.shape import NumbersPeriod
from billing.rules.periods import start_of_day

_DAY = timedelta(days=1)
DAYS_AT_ONCE = 31
COUNTED_AGAIN = 7
"""Days that are computed anew each night: an acquirer's late answer is dated by its charge, so it may belong to one of them."""
CLOSED_AFTER = timedelta(hours=1)
"""A transaction that began before midnight has ended by then."""
SINCE = """SELECT min(first) FROM (
    SELECT (SELECT at FROM subscription_change ORDER BY id LIMIT 1) AS first
    UNION ALL SELECT (SELECT at FROM signup_change ORDER BY id LIMIT 1)) f"""
"""When history begins; two index lookups."""


@dataclass(frozen=True, slots=True)
class DayFact:
    """What a day brought of one measure."""

    day: date
    measure: str
    of: str
    value: int


def compute(
    session: Session, site: Site, period: NumbersPeriod, sources: Collection[Source] = SOURCES
) -> list[DayFact]:
    """What each day of a period brought, from ledger and history."""
    begin, until = period.instants(site)
    values = {
        "zone": site.zone.key, "begin": begin, "until": until, "first": period.first, "last": period.last,
    }  # fmt: skip
    return [
        DayFact(row.day, row.measure, row.of, row.value)
        for source in sources
        for row in session.execute(sa.text(source.sql), values)
    ]


def keep_due(database: Database, site: Site, at: datetime) -> int:
    """Keep each day that has closed since, and the last days anew; how many days were kept for the first time."""
    done = 0
    with only_one(database, "numbers") as here:
        while here:
            with database.transaction() as session:
                days = _keep_next(session, site, at)
            stop_point("numbers.kept")
            if not days:
                break
            done += days
    return done


def _keep_next(session: Session, site: Site, at: datetime) -> int:
    """Keep the next closed days, a month of them at most; how many."""
    mark = session.get(NumberMark, 1)
    if mark is None:
        began = session.execute(sa.text(SINCE)).scalar()
        if began is None:
            return 0
        mark = NumberMark(through=site.today(began) - _DAY, next_at=_closed_at(site, site.today(began)))
        session.add(mark)
    if mark.next_at > at:
        return 0
    last = min(site.today(at - CLOSED_AFTER) - _DAY, mark.through + timedelta(days=DAYS_AT_ONCE))
    days = (last - mark.through).days
    keep(session, site, NumbersPeriod(mark.through - timedelta(days=COUNTED_AGAIN - 1), last), through=last)
    mark.through, mark.next_at = last, _closed_at(site, last + _DAY)
    return days


def _closed_at(site: Site, day: date) -> datetime:
    return start_of_day(day + _DAY, site.zone) + CLOSED_AFTER


def keep(session: Session, site: Site, period: NumbersPeriod, *, through: date) -> None:
    """Compute the days of a period and write them over what was kept of them. So too what those starts have paid whose money moved in
    them, up to the end of `through`, the last kept day."""
    facts = compute(session, site, period)
    session.execute(delete(NumberDay).where(col(NumberDay.day).between(period.first, period.last)))
    rows = [{"measure": fact.measure, "of": fact.of, "day": fact.day, "value": fact.value} for fact in facts]
    bulk.insert(session, NumberDay, rows)
    paid_by_starts.keep(session, *period.instants(site), kept_until=start_of_day(through + _DAY, site.zone))


def keep_again(
    database: Database, site: Site, period: NumbersPeriod, computing: Callable[[date], None] = lambda _: None
) -> int:
    """Compute those days of a period anew that are kept, a month of them in a transaction; how many. `computing` is called with
    the first of each month of days."""
    with database.transaction() as session:
        through = kept_through(session)
    if through is None:
        return 0
    first, last = period.first, min(period.last, through)
    done = 0
    while first <= last:
        computing(first)
        some = NumbersPeriod(first, min(last, first + timedelta(days=DAYS_AT_ONCE - 1)))
        with database.transaction() as session:
            keep(session, site, some, through=through)
        done += some.days
        first = some.last + _DAY
    return done


def kept_through(session: Session) -> date | None:
    """The last day that is kept; the same for all sections of a page."""
    mark = session.get(NumberMark, 1)
    return mark.through if mark else None


class SummedDays:
    """What the days up to a period's end brought of some measures. Days before those that were asked for are summed up by months."""

    def __init__(self, facts: Mapping[tuple[str, str], list[tuple[date, int]]]) -> None:
        self._facts = facts

    def keys(self, measure: str) -> list[str]:
        """What the measure has values of, in order."""
        return sorted(of for name, of in self._facts if name == measure)

    def total(self, measure: str, first: date, last: date, of: str | None = None) -> int:
        """The sum of a measure from a day to a day, both included; of all it belongs to, or of one."""
        names = self.keys(measure) if of is None else [of]
        values = (self._facts.get((measure, name), ()) for name in names)
        return sum(value for day, value in chain.from_iterable(values) if first <= day <= last)

    def stock(self, measure: str, on: date, of: str | None = None) -> int:
        """What there is at the end of a day: the sum of all days up to it."""
        return self.total(measure, date.min, on, of)


# One row a month for days before the first that is asked for: what there was at a month's end is all that is asked of them.
_KEPT = sa.text(
    """
    SELECT measure, of, CASE WHEN day >= :since THEN day
        ELSE least((date_trunc('month', day) + interval '1 month - 1 day')::date, :since - 1) END AS day, sum(value)::bigint
    FROM number_day WHERE measure = ANY(:measures) AND day <= :last GROUP BY 1, 2, 3 ORDER BY 3
    """
)


def load(session: Session, site: Site, source: Source, *, since: date, last: date, today: date) -> SummedDays:
    """The measures of a source up to a day: closed days as they are kept, later ones from ledger and history."""
    facts: dict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
    through = kept_through(session)
    if through is None:
        began = session.execute(sa.text(SINCE)).scalar()
        through = (site.today(began) if began else today) - _DAY
    else:
        asked = {"measures": list(source.measures), "since": since, "last": min(last, through)}
        for measure, of, day, value in session.execute(_KEPT, asked):
            facts[measure, of].append((day, value))
    live_to = min(last, today)
    if through < live_to:
        # 1800 days: `NumbersPeriod` refuses more than `MOST_DAYS`, and days that no night has kept may be more
        for fact in compute(
            session,
            site,
            NumbersPeriod(max(through + _DAY, live_to - timedelta(days=1800)), live_to),
            [source],
        ):
            facts[fact.measure, fact.of].append((fact.day, fact.value))
    return SummedDays(facts)


NEXT_DUE = f"SELECT coalesce((SELECT next_at FROM number_mark), ({SINCE}) + interval '25 hours')"  # noqa: S608
"""When the next day is kept; null before history begins (see `timetable.Job`). 25 hours are a day and `CLOSED_AFTER`: by then the first
day has closed."""


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "the numbers of the day before are kept"
