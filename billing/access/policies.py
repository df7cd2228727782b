"""Access policies: an article's own, or its section's. Rows are only added, so that past decisions can be explained."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion, SectionPolicy
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.rules.access import AccessLevel
from billing.rules.policies import MOST_DAYS, MOST_HOURS, UNSTATED, ArticlePolicy, policy


class WindowWithoutLevel(Invalid):
    """A window needs a level that it is an exception from: give `access` too."""

    code = "window_without_level"


class WindowTooLong(Invalid):
    """Free for 1 to 8784 hours after publication; open after 1 to 3660 days."""

    code = "window_too_long"


@dataclass(frozen=True, slots=True)
class AccessTerms:
    """A level with its windows, as stored. Without a level, nothing is stated."""

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


# made once: building a statement takes as long as running it
_OF_ALL = (
    select(
        SectionPolicy.section, SectionPolicy.access, SectionPolicy.free_hours, SectionPolicy.open_after_days
    )
    .order_by(col(SectionPolicy.section), col(SectionPolicy.id).desc())
    .ext(distinct_on(col(SectionPolicy.section)))
)
_AMONG = _OF_ALL.where(col(SectionPolicy.section).in_(sa.bindparam("among", expanding=True)))


def of_sections(session: Session, among: Collection[str] | None = None) -> dict[str, AccessTerms]:
    """The policies of all sections, or of these; a section without one is missing."""
    rows = session.execute(_OF_ALL) if among is None else session.execute(_AMONG, {"among": list(among)})
    return {section: AccessTerms(*terms) for section, *terms in rows if terms[0] is not None}


def of_section(session: Session, section: str, at: datetime | None = None) -> AccessTerms:
    """One section's policy, now or as it was at the instant."""
    query = select(SectionPolicy).where(SectionPolicy.section == section)
    query = query.where(SectionPolicy.at <= at) if at else query
    row = session.exec(query.order_by(col(SectionPolicy.id).desc()).limit(1)).first()
    return _terms_of(row) if row else NO_TERMS


def set_section(ctx: TransactionContext, section: str, terms: AccessTerms) -> SectionPolicy:
    """Set the policy for the section's articles that state none. Raises WindowWithoutLevel, WindowTooLong."""
    terms.check()
    row = SectionPolicy(section=section, at=ctx.at, **asdict(terms), **acted_by(ctx.actor))
    ctx.session.add(row)
    ctx.session.flush()
    return row


def stated(site: Site, article: Article | ArticleVersion, sections: Mapping[str, AccessTerms]) -> Stated:
    """The policy of an article: its own, else its section's, else `UNSTATED`."""
    return stated_by(site, article.published_at, _terms_of(article), sections.get(article.section, NO_TERMS))


def stated_by(site: Site, published_at: datetime, own: AccessTerms, of_section: AccessTerms) -> Stated:
    """The same, of an article with its own terms in a section with these."""
    if own.access is not None:
        return Stated(policy_of(site, published_at, own), "article", own)
    by = "nobody" if of_section.access is None else "section"
    return Stated(policy_of(site, published_at, of_section), by, of_section)


def policy_of(site: Site, published_at: datetime, terms: AccessTerms) -> ArticlePolicy:
    """The policy that these stored terms give an article published then."""
    if terms.access is None:
        return UNSTATED
    return policy(
        terms.access,
        published_at=published_at,
        zone=site.zone,
        free_hours=terms.free_hours,
        open_after_days=terms.open_after_days,
    )


def _terms_of(row: Article | ArticleVersion | SectionPolicy) -> AccessTerms:
    return AccessTerms(row.access, row.free_hours, row.open_after_days)
