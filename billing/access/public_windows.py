"""Public-interest windows: an editor opens an article, a section or the site to everyone until a moment, with a reason.

A window closes by itself. Meters don't count meanwhile."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.access.models import Article, PublicWindow, Scope
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
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
    row = lock_row(ctx.session, PublicWindow, opening_id)
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
    newest_first = select(PublicWindow).where(over).order_by(col(PublicWindow.id).desc())
    return list(ctx.session.exec(newest_first.limit(limit)))


def of_articles(
    ctx: TransactionContext, article_ids: Collection[str], sections: Collection[str]
) -> list[PublicWindow]:
    """The windows at the instant over any of these articles or their sections; `opens` says which one it opens."""
    covers = sa.or_(
        sa.and_(col(PublicWindow.scope) == Scope.ARTICLE, col(PublicWindow.subject).in_(article_ids)),
        sa.and_(col(PublicWindow.scope) == Scope.SECTION, col(PublicWindow.subject).in_(sections)),
        col(PublicWindow.scope) == Scope.SITE,
    )
    return list(ctx.session.exec(_live(ctx.at).where(covers)))


def opens(window: PublicWindow, article: Article) -> bool:
    """Whether it opens this article as long as it lasts."""
    match window.scope:
        case Scope.ARTICLE:
            return window.subject == article.id
        case Scope.SECTION:
            return window.subject == article.section
        case Scope.SITE:
            return True


def spans(windows: Sequence[PublicWindow]) -> tuple[FreeSpan, ...]:
    """The windows for the rules, with their planned ends: an early end counts only once it has come."""
    return tuple(FreeSpan(row.opened_at, row.until) for row in windows)


def _live(at: datetime) -> SelectOfScalar[PublicWindow]:
    not_closed = sa.or_(col(PublicWindow.closed_at).is_(None), col(PublicWindow.closed_at) > at)
    return select(PublicWindow).where(PublicWindow.opened_at <= at, PublicWindow.until > at, not_closed)
