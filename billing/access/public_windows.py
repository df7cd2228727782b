"""The public-interest switch: an editor opens an article, a section or the whole site until a moment, and says why.

A row is the switch, so every process sees it with its next look, and it closes by itself. Meters don't count meanwhile."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.access.models import Article, Opening, Scope
from billing.platform import ids
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules.policies import Span


class PastMoment(Invalid):
    """Something can be opened only until a moment that is still to come."""

    code = "past_moment"


class NoReason(Invalid):
    """Say why it is opened."""

    code = "no_reason"


class UnknownSection(NotFound):
    """No article is in that section."""

    code = "unknown_section"


class UnknownOpening(NotFound):
    """Nothing was opened by that id."""

    code = "unknown_opening"


class IsClosed(Conflict):
    """It is closed already."""

    code = "is_closed"


def open_to_all(
    session: Session, scope: Scope, subject: str, *, until: datetime, reason: str, at: datetime, by: str
) -> Opening:
    """Open it to everyone until the instant. Raises PastMoment, NoReason, UnknownSection."""
    if until <= at:
        raise PastMoment
    if not reason.strip():
        raise NoReason
    known = select(Article.id).where(Article.section == subject).limit(1)
    if scope is Scope.SECTION and session.exec(known).first() is None:
        raise UnknownSection
    row = Opening(
        id=ids.new("opn", at),
        scope=scope,
        subject=subject,
        opened_at=at,
        until=until,
        reason=reason.strip(),
        by=by,
    )
    session.add(row)
    session.flush()
    return row


def close(session: Session, opening_id: str, *, at: datetime, by: str) -> Opening:
    """Close it before its time. Raises UnknownOpening, IsClosed."""
    row = session.exec(select(Opening).where(Opening.id == opening_id).with_for_update()).first()
    if row is None:
        raise UnknownOpening
    if row.closed_at is not None or row.until <= at:
        raise IsClosed
    row.closed_at, row.closed_by = at, by
    session.add(row)
    session.flush()
    return row


def live(session: Session, at: datetime) -> list[Opening]:
    """All that is open at the instant (now or past), the newest first."""
    return list(session.exec(_live(at).order_by(col(Opening.id).desc())))


def past(session: Session, at: datetime, limit: int = 30) -> list[Opening]:
    """What was open and isn't any more, the newest first."""
    over = sa.or_(col(Opening.until) <= at, col(Opening.closed_at).is_not(None))
    return list(session.exec(select(Opening).where(over).order_by(col(Opening.id).desc()).limit(limit)))


def of_article(session: Session, article_id: str, section: str, at: datetime) -> list[Opening]:
    """What opens the article at the instant: itself, its section, the site."""
    return _of(session, {article_id}, {section}, at)


def of_articles(session: Session, articles: Iterable[Article], at: datetime) -> list[Opening]:
    """What opens any of the articles at the instant; which of them, `opens` says."""
    rows = list(articles)
    return _of(session, {row.id for row in rows}, {row.section for row in rows}, at)


def _of(session: Session, articles: set[str], sections: set[str], at: datetime) -> list[Opening]:
    wanted = sa.or_(
        sa.and_(col(Opening.scope) == Scope.ARTICLE, col(Opening.subject).in_(articles)),
        sa.and_(col(Opening.scope) == Scope.SECTION, col(Opening.subject).in_(sections)),
        col(Opening.scope) == Scope.SITE,
    )
    return list(session.exec(_live(at).where(wanted)))


def opens(opening: Opening, article: Article) -> bool:
    """Whether it opens this article, while it lasts."""
    match opening.scope:
        case Scope.ARTICLE:
            return opening.subject == article.id
        case Scope.SECTION:
            return opening.subject == article.section
        case Scope.SITE:
            return True


def spans(openings: Sequence[Opening]) -> tuple[Span, ...]:
    """When they open, as the rules know it: an early end counts once it has come."""
    return tuple(Span(row.opened_at, row.until) for row in openings)


def _live(at: datetime) -> SelectOfScalar[Opening]:
    still = sa.or_(col(Opening.closed_at).is_(None), col(Opening.closed_at) > at)
    return select(Opening).where(Opening.opened_at <= at, Opening.until > at, still)
