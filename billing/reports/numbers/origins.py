"""Which articles, sections and newsletters led to trials and to paying, by where each start came from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access.models import Article
from billing.newsletters.models import Issue, Newsletter
from billing.platform import bulk
from billing.reports.numbers.days import kept_through
from billing.reports.numbers.paid_by_starts import PAID_NOW
from billing.reports.numbers.shape import (
    Cell,
    Chart,
    Column,
    Figure,
    NumbersQuestion,
    NumbersTable,
    Section,
    Unit,
    share,
)
from billing.rules.periods import start_of_day

_DAY = timedelta(days=1)
MOST_ROWS = 200
"""Rows of a table; the others are summed up in one more, so that each table adds up to the figures."""
OTHERS, NOT_KNOWN = "All others", "Not known"
STARTED = (
    "A start counts in the period in which it began, with the article and the newsletter that its reader came by last. Starts that came by"
    " neither aren’t here."
)
ERASED = " Starts of readers who were erased since count in whole months only, and their payments no longer."
PAYING = "Of these starts, those that have paid a first charge since."
PAID = (
    "What these starts have paid until now, VAT included, less what went back or is on its way back. What a bank disputes counts until it is"
    " refunded."
)


@dataclass(slots=True)
class Led:
    """What came of starts: trials, starts without one, how many of both pay, and cents paid, VAT included."""

    trials: int = 0
    paid_starts: int = 0
    paying: int = 0
    cents: int = 0

    def add(self, other: "Led") -> None:
        """Add what came of other starts."""
        self.trials += other.trials
        self.paid_starts += other.paid_starts
        self.paying += other.paying
        self.cents += other.cents


Origins = dict[tuple[str, str, str], Led]
"""By article, its section, and issue; empty text where one isn't known."""
STARTS = sa.text(
    f"""
    WITH {PAID_NOW}
    SELECT at >= :first_begins, coalesce(article_id, ''), coalesce(section, ''), coalesce(issue_id, ''),
        count(*) FILTER (WHERE is_trial), count(*) FILTER (WHERE NOT is_trial), count(cents), CAST(coalesce(sum(cents), 0) AS bigint)
    FROM paid WHERE at >= :since AND at < :before GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT month >= :first, article_id, section, issue_id, trials, paid_starts, converted, 0 FROM erased_origin
    WHERE month >= :first_before AND month + interval '1 month' <= CAST(:last AS date) + 1
        AND (month >= :first OR month + interval '1 month' <= :first)
    """  # noqa: S608 - conditions of our own
)
"""The query of starts in a period, and in the one before it: whether in the period, then by what they came, and what came of them.
What they have paid is kept up to `:begin`, the end of the last kept day, or for a day more where a night has come between."""


def origins(question: NumbersQuestion) -> Section:
    """Starts by article, section and newsletter, how many of them pay, and what they have paid."""
    now, before = _led(question)
    return Section(
        "origins",
        "What led to subscriptions",
        tuple(_figures(_sum(now.values()), _sum(before.values()))),
        (
            _by_article(question.session, now),
            _by_section(now),
            _by_newsletter(question.session, now),
        ),
    )


def _led(question: NumbersQuestion) -> tuple[Origins, Origins]:
    """The starts of the period, and of the one before."""
    found: dict[bool, Origins] = {True: defaultdict(Led), False: defaultdict(Led)}
    for in_period, article, section, issue, *counts in question.session.execute(STARTS, asked(question)):
        found[in_period][article, section, issue].add(Led(*counts))
    return found[True], found[False]


def asked(question: NumbersQuestion) -> dict[str, datetime | date | str]:
    """The values for `STARTS`."""
    period, before = question.period, question.period.before
    first_begins, until = period.instants(question.site)
    since, _ = before.instants(question.site)
    through = kept_through(question.session)
    return {
        "since": since, "first_begins": first_begins, "before": until,
        "first_before": before.first, "first": period.first, "last": period.last,
        "begin": start_of_day(through + _DAY, question.site.zone) if through else datetime.min.replace(tzinfo=UTC),
        "until": datetime.max.replace(tzinfo=UTC), "zone": question.site.zone.key,
    }  # fmt: skip


def _sum(parts: Iterable[Led]) -> Led:
    total = Led()
    for part in parts:
        total.add(part)
    return total


def _figures(now: Led, before: Led) -> list[Figure]:
    started, started_before = now.trials + now.paid_starts, before.trials + before.paid_starts
    return [
        Figure(
            "origin-trials", "Trials with a known origin", f"Trials. {STARTED}{ERASED}",
            Unit.COUNT, now.trials, before.trials,
        ),
        Figure(
            "origin-paid-starts", "Paid starts with a known origin", f"Starts without a trial. {STARTED}{ERASED}",
            Unit.COUNT, now.paid_starts, before.paid_starts,
        ),
        Figure("origin-paying", "Of these, paying", PAYING, Unit.COUNT, now.paying, before.paying),
        Figure(
            "origin-conversion", "Conversion of known origins", f"The share of these starts that pays. {PAYING}",
            Unit.BASIS_POINTS, share(now.paying, started), share(before.paying, started_before),
        ),
        Figure("origin-paid", "Paid since by these starts", PAID, Unit.CENTS, now.cents, before.cents),
    ]  # fmt: skip


_COUNTED = (
    Column("Trials"),
    Column("Paid starts", drawn=False),
    Column("Paying since"),
    Column("Paid since", Unit.CENTS, drawn=False),
)


def _grouped(found: Origins, of: Callable[[str, str, str], str]) -> list[tuple[str, Led]]:
    """What came of starts by a key, the most first. The key is empty where it isn't known."""
    groups: dict[str, Led] = defaultdict(Led)
    for ids, led in found.items():
        groups[of(*ids)].add(led)
    return sorted(
        groups.items(), key=lambda group: (not group[0], *(-count for count in astuple(group[1])), group[0])
    )


def _rows(
    groups: Sequence[tuple[str, Led]], words: Callable[[str], tuple[Cell, ...]], blank: int
) -> tuple[tuple[Cell, ...], ...]:
    """A row for each of the first groups, and one for all others. `blank`: cells that such a row leaves empty."""
    rows = [(*words(key), *astuple(led)) for key, led in groups[:MOST_ROWS]]
    if groups[MOST_ROWS:]:
        others = _sum(led for _, led in groups[MOST_ROWS:])
        rows.append((OTHERS, *(None,) * blank, *astuple(others)))
    return tuple(rows)


def _by_article(session: Session, found: Origins) -> NumbersTable:
    groups = _grouped(found, lambda article, _section, _issue: article)
    titles = {
        row.id: row.title
        for row in bulk.load(session, Article, {key for key, _ in groups[:MOST_ROWS]}).values()
    }
    sections = {article: section for article, section, _ in found}
    return NumbersTable(
        "origins-by-article",
        "By article",
        f"Starts by the article whose wall, or link, led to them. {STARTED}{ERASED} {PAYING} {PAID}",
        (Column("Article", Unit.TEXT), Column("Id", Unit.TEXT), Column("Section", Unit.TEXT), *_COUNTED),
        _rows(
            groups,
            lambda key: (titles.get(key, key) or NOT_KNOWN, key or None, sections.get(key) or None),
            blank=2,
        ),
        Chart.BARS,
    )


def _by_section(found: Origins) -> NumbersTable:
    groups = _grouped(found, lambda _article, section, _issue: section)
    return NumbersTable(
        "origins-by-section",
        "By section",
        f"The same by the section that the article had at the start. {STARTED}{ERASED} {PAYING} {PAID}",
        (Column("Section", Unit.TEXT), *_COUNTED),
        _rows(groups, lambda key: (key or NOT_KNOWN,), blank=0),
        Chart.BARS,
    )


def _by_newsletter(session: Session, found: Origins) -> NumbersTable:
    groups = [group for group in _grouped(found, lambda _article, _section, issue: issue) if group[0]]
    ids = {key for key, _ in groups[:MOST_ROWS]}
    issues = {
        row.id: (row.name, row.subject)
        for row in session.execute(
            select(Issue.id, Issue.subject, Newsletter.name)
            .join(Newsletter, col(Newsletter.id) == Issue.newsletter_id)
            .where(bulk.one_of(Issue.id, ids))
        )
    }
    return NumbersTable(
        "origins-by-newsletter",
        "By newsletter",
        f"The same by the issue whose link led to them. {STARTED}{ERASED} {PAYING} {PAID}",
        (Column("Issue", Unit.TEXT), Column("Newsletter", Unit.TEXT), Column("Id", Unit.TEXT), *_COUNTED),
        _rows(
            groups,
            lambda key: (issues[key][1], issues[key][0], key) if key in issues else (key, None, key),
            blank=2,
        ),
        Chart.BARS,
    )
