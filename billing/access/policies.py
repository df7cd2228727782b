"""What articles ask: a policy of their own, or their section's. Lines are added, never changed, so each past moment can be told."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion, SectionPolicy
from billing.platform.errors import Invalid
from billing.platform.site import Office
from billing.rules.access import AccessLevel
from billing.rules.policies import MOST_DAYS, MOST_HOURS, UNSTATED, BadWindow, Policy, policy


class WindowWithoutLevel(Invalid):
    """A window needs a level that it is an exception from: give `access` too."""

    code = "window_without_level"


class WindowTooLong(Invalid):
    """Free for 1 to 8784 hours after publication; open after 1 to 3660 days."""

    code = "window_too_long"


@dataclass(frozen=True, slots=True)
class Terms:
    """A level with its windows, as it is written down; no level: nothing is said."""

    access: AccessLevel | None
    free_hours: int | None = None
    open_after_days: int | None = None

    def mind(self) -> None:
        """Raises WindowWithoutLevel, WindowTooLong."""
        windows = (self.free_hours, self.open_after_days)
        if self.access is None and windows != (None, None):
            raise WindowWithoutLevel
        for given, most in zip(windows, (MOST_HOURS, MOST_DAYS), strict=True):
            if given is not None and not 1 <= given <= most:
                raise WindowTooLong


NOTHING_SAID = Terms(None)


@dataclass(frozen=True, slots=True)
class Stated:
    """An article's policy, and who stated it: `article`, `section`, or nobody."""

    policy: Policy
    by: str
    terms: Terms


def of_sections(session: Session, among: Collection[str] | None = None) -> dict[str, Terms]:
    """The policy of each section, or of each among these; sections without one aren't named."""
    query = select(SectionPolicy).order_by(col(SectionPolicy.section), col(SectionPolicy.id).desc())
    query = query.ext(distinct_on(col(SectionPolicy.section)))
    rows = session.exec(query if among is None else query.where(col(SectionPolicy.section).in_(among)))
    found = {row.section: Terms(row.access, row.free_hours, row.open_after_days) for row in rows}
    return {section: terms for section, terms in found.items() if terms.access is not None}


def of_section(session: Session, section: str, at: datetime | None = None) -> Terms:
    """One section's policy, now or as it was at the instant."""
    query = select(SectionPolicy).where(SectionPolicy.section == section)
    query = query.where(SectionPolicy.at <= at) if at else query
    row = session.exec(query.order_by(col(SectionPolicy.id).desc()).limit(1)).first()
    return Terms(row.access, row.free_hours, row.open_after_days) if row else NOTHING_SAID


def set_section(session: Session, section: str, terms: Terms, *, at: datetime, by: str) -> SectionPolicy:
    """From now on, articles of the section that say nothing themselves ask this; no level: nothing is said. Raises as `Terms.mind`."""
    terms.mind()
    row = SectionPolicy(
        section=section,
        at=at,
        access=terms.access,
        free_hours=terms.free_hours,
        open_after_days=terms.open_after_days,
        by=by,
    )
    session.add(row)
    session.flush()
    return row


def stated(
    session: Session, office: Office, article: Article | ArticleVersion, at: datetime | None = None
) -> Stated:
    """The policy of an article: its own, else its section's, else `UNSTATED`. `at`: as the section had it then."""
    if article.access is not None:
        own = Terms(article.access, article.free_hours, article.open_after_days)
        return _stated(office, article.published_at, own, "article")
    return _stated(office, article.published_at, of_section(session, article.section, at), "section")


def stated_among(office: Office, article: Article, sections: dict[str, Terms]) -> Stated:
    """The same for many articles, with the sections' policies at hand."""
    if article.access is not None:
        own = Terms(article.access, article.free_hours, article.open_after_days)
        return _stated(office, article.published_at, own, "article")
    return _stated(office, article.published_at, sections.get(article.section, NOTHING_SAID), "section")


def policy_of(office: Office, published_at: datetime, terms: Terms) -> Policy:
    """The policy that terms come to for an article published then."""
    return _stated(office, published_at, terms, "").policy


def _stated(office: Office, published_at: datetime, terms: Terms, by: str) -> Stated:
    if terms.access is None:
        return Stated(UNSTATED, "nobody", terms)
    try:
        found = policy(
            terms.access,
            published_at=published_at,
            zone=office.zone,
            free_hours=terms.free_hours,
            open_after_days=terms.open_after_days,
        )
    except BadWindow as error:  # the database's own constraint keeps such a row out
        raise WindowTooLong from error
    return Stated(found, by, terms)
