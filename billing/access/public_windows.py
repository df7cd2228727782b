"""Public-interest windows: an editor opens an article, a section or the site to everyone until a moment, with a reason.

A window closes by itself. Meters don't count meanwhile."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.access.models import Article, PublicWindow, Scope
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules.policies import FreeSpan


class PastMoment(Invalid):
    """Something can be opened only until a moment that is still to come."""

    code = "past_moment"


class NoReason(Invalid):
    """Say why it is opened."""

    code = "no_reason"


class UnknownSection(NotFound):
    """No article is in that section."""

    code = "unknown_section"


class UnknownPublicWindow(NotFound):
    """Nothing was opened by that id."""

    code = "unknown_opening"


class IsClosed(Conflict):
    """It is closed already."""

    code = "is_closed"


def open_to_all(
    ctx: TransactionContext, scope: Scope, subject: str, *, until: datetime, reason: str
) -> PublicWindow:
    """Open it to everyone until the instant. Raises PastMoment, NoReason, UnknownSection."""
    if until <= ctx.at:
        raise PastMoment
    if not reason.strip():
        raise NoReason
    known = select(Article.id).where(Article.section == subject).limit(1)
    if scope is Scope.SECTION and ctx.session.exec(known).first() is None:
        raise UnknownSection
    row = PublicWindow(
        id=ids.new("opn", ctx.at),
        scope=scope,
        subject=subject,
        opened_at=ctx.at,
        until=until,
        reason=reason.strip(),
        **acted_by(ctx.actor),
    )
    ctx.session.add(row)
    ctx.session.flush()
    return row


def close(ctx: TransactionContext, opening_id: str) -> PublicWindow:
    """Close it early. Raises UnknownPublicWindow, IsClosed."""
    row = ctx.session.exec(
        select(PublicWindow).where(PublicWindow.id == opening_id).with_for_update()
    ).first()
    if row is None:
        raise UnknownPublicWindow
    if row.closed_at is not None or row.until <= ctx.at:
        raise IsClosed
    row.closed_at = ctx.at
    row.note_closed_by(ctx.actor)
    ctx.session.flush()
    return row


def open_at(ctx: TransactionContext) -> list[PublicWindow]:
    """The windows open at the instant (now or past), newest first."""
    return list(ctx.session.exec(_live(ctx.at).order_by(col(PublicWindow.id).desc())))


def closed(ctx: TransactionContext, limit: int = 30) -> list[PublicWindow]:
    """The windows that are over, newest first."""
    over = sa.or_(col(PublicWindow.until) <= ctx.at, col(PublicWindow.closed_at).is_not(None))
    return list(
        ctx.session.exec(select(PublicWindow).where(over).order_by(col(PublicWindow.id).desc()).limit(limit))
    )


def of_article(ctx: TransactionContext, article_id: str, section: str) -> list[PublicWindow]:
    """The windows that open this article at the instant."""
    return _of(ctx, {article_id}, {section})


def of_articles(ctx: TransactionContext, articles: Iterable[Article]) -> list[PublicWindow]:
    """The windows that open any of these articles at the instant; `opens` says which."""
    rows = list(articles)
    return _of(ctx, {row.id for row in rows}, {row.section for row in rows})


def _of(ctx: TransactionContext, articles: set[str], sections: set[str]) -> list[PublicWindow]:
    wanted = sa.or_(
        sa.and_(col(PublicWindow.scope) == Scope.ARTICLE, col(PublicWindow.subject).in_(articles)),
        sa.and_(col(PublicWindow.scope) == Scope.SECTION, col(PublicWindow.subject).in_(sections)),
        col(PublicWindow.scope) == Scope.SITE,
    )
    return list(ctx.session.exec(_live(ctx.at).where(wanted)))


def opens(window: PublicWindow, article: Article) -> bool:
    """Whether it opens this article while it is open."""
    match window.scope:
        case Scope.ARTICLE:
            return window.subject == article.id
        case Scope.SECTION:
            return window.subject == article.section
        case Scope.SITE:
            return True


def spans(windows: Sequence[PublicWindow]) -> tuple[FreeSpan, ...]:
    """The windows for the rules, with the planned end: an early one counts once it has come."""
    return tuple(FreeSpan(row.opened_at, row.until) for row in windows)


def _live(at: datetime) -> SelectOfScalar[PublicWindow]:
    still = sa.or_(col(PublicWindow.closed_at).is_(None), col(PublicWindow.closed_at) > at)
    return select(PublicWindow).where(PublicWindow.opened_at <= at, PublicWindow.until > at, still)
