"""Access policies: an article's own, or its section's. Rows are only added, so that past decisions can be explained."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion, SectionPolicy
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.rules.access import AccessLevel
from billing.rules.policies import MOST_DAYS, MOST_HOURS, UNSTATED, ArticlePolicy, BadWindow, policy


class WindowWithoutLevel(Invalid):
    """A window needs a level that it is an exception from: give `access` too."""

    code = "window_without_level"


class WindowTooLong(Invalid):
    """Free for 1 to 8784 hours after publication; open after 1 to 3660 days."""

    code = "window_too_long"


@dataclass(frozen=True, slots=True)
class AccessTerms:
    """A level with its windows, as stored. No level: nothing is stated."""

    access: AccessLevel | None
    free_hours: int | None = None
    open_after_days: int | None = None

    def check(self) -> None:
        """Raises WindowWithoutLevel, WindowTooLong."""
        windows = (self.free_hours, self.open_after_days)
        if self.access is None and windows != (None, None):
            raise WindowWithoutLevel
        for given, most in zip(windows, (MOST_HOURS, MOST_DAYS), strict=True):
            if given is not None and not 1 <= given <= most:
                raise WindowTooLong


NO_TERMS = AccessTerms(None)


@dataclass(frozen=True, slots=True)
class Stated:
    """An article's policy, and who stated it: `article`, `section` or `nobody`."""

    policy: ArticlePolicy
    by: str
    terms: AccessTerms


def of_sections(session: Session, among: Collection[str] | None = None) -> dict[str, AccessTerms]:
    """The policies of all sections, or of these; a section without one is missing."""
    query = select(SectionPolicy).order_by(col(SectionPolicy.section), col(SectionPolicy.id).desc())
    query = query.ext(distinct_on(col(SectionPolicy.section)))
    rows = session.exec(query if among is None else query.where(col(SectionPolicy.section).in_(among)))
    found = {row.section: AccessTerms(row.access, row.free_hours, row.open_after_days) for row in rows}
    return {section: terms for section, terms in found.items() if terms.access is not None}


def of_section(session: Session, section: str, at: datetime | None = None) -> AccessTerms:
    """One section's policy, now or as it was at the instant."""
    query = select(SectionPolicy).where(SectionPolicy.section == section)
    query = query.where(SectionPolicy.at <= at) if at else query
    row = session.exec(query.order_by(col(SectionPolicy.id).desc()).limit(1)).first()
    return AccessTerms(row.access, row.free_hours, row.open_after_days) if row else NO_TERMS


def set_section(ctx: TransactionContext, section: str, terms: AccessTerms) -> SectionPolicy:
    """Set the policy for the section's articles that state none. Raises WindowWithoutLevel, WindowTooLong."""
    terms.check()
    row = SectionPolicy(
        section=section,
        at=ctx.at,
        access=terms.access,
        free_hours=terms.free_hours,
        open_after_days=terms.open_after_days,
        **acted_by(ctx.actor),
    )
    ctx.session.add(row)
    ctx.session.flush()
    return row


def stated(ctx: TransactionContext, article: Article | ArticleVersion, at: datetime | None = None) -> Stated:
    """The policy of an article: its own, else its section's, else `UNSTATED`. `at`: with the section's policy of that instant."""
    if article.access is not None:
        own = AccessTerms(article.access, article.free_hours, article.open_after_days)
        return _stated(ctx.site, article.published_at, own, "article")
    return _stated(ctx.site, article.published_at, of_section(ctx.session, article.section, at), "section")


def stated_among(site: Site, article: Article, sections: dict[str, AccessTerms]) -> Stated:
    """The same for one of many articles, with the sections' policies already loaded."""
    if article.access is not None:
        own = AccessTerms(article.access, article.free_hours, article.open_after_days)
        return _stated(site, article.published_at, own, "article")
    return _stated(site, article.published_at, sections.get(article.section, NO_TERMS), "section")


def policy_of(site: Site, published_at: datetime, terms: AccessTerms) -> ArticlePolicy:
    """The policy that these terms give an article published then."""
    return _stated(site, published_at, terms, "").policy


def _stated(site: Site, published_at: datetime, terms: AccessTerms, by: str) -> Stated:
    if terms.access is None:
        return Stated(UNSTATED, "nobody", terms)
    try:
        found = policy(
            terms.access,
            published_at=published_at,
            zone=site.zone,
            free_hours=terms.free_hours,
            open_after_days=terms.open_after_days,
        )
    except BadWindow as error:  # the database's own constraint keeps such a row out
        raise WindowTooLong from error
    return Stated(found, by, terms)
