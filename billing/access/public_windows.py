"""Public-interest windows: an editor opens an article, a section or the site to everyone until a moment, with a reason.

A window closes by itself. Meters don't count meanwhile."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col, select

from billing.access.models import Article, PublicWindow, Scope
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules.policies import FreeSpan


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window that is open, as an access check needs it."""

    scope: Scope
    subject: str
    opened_at: datetime
    until: datetime
    reason: str

    def opens(self, article_id: str, section: str) -> bool:
        """Whether it opens this article as long as it lasts."""
        match self.scope:
            case Scope.ARTICLE:
                return self.subject == article_id
            case Scope.SECTION:
                return self.subject == section
            case Scope.SITE:
                return True


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


def check(ctx: TransactionContext, *, until: datetime, reason: str) -> None:
    """Whether something can be opened until then, for this reason. Raises PastMoment, NoReason."""
    if until <= ctx.at:
        raise PastMoment
    if not reason.strip():
        raise NoReason


def open_to_all(
    ctx: TransactionContext, scope: Scope, subject: str, *, until: datetime, reason: str
) -> PublicWindow:
    """Open it to everyone until the instant. Raises PastMoment, NoReason, UnknownSection."""
    check(ctx, until=until, reason=reason)
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


def is_live(at: Any) -> sa.ColumnElement[bool]:
    """The condition that a window is open at the instant, now or past."""
    not_closed = sa.or_(col(PublicWindow.closed_at).is_(None), col(PublicWindow.closed_at) > at)
    return sa.and_(col(PublicWindow.opened_at) <= at, col(PublicWindow.until) > at, not_closed)


def covers(article_id: Any, section: Any) -> sa.ColumnElement[bool]:
    """The condition that a window is over the article with this id, in this section: columns, or all values of a parameter."""
    return sa.or_(
        sa.and_(col(PublicWindow.scope) == Scope.ARTICLE, col(PublicWindow.subject) == article_id),
        sa.and_(col(PublicWindow.scope) == Scope.SECTION, col(PublicWindow.subject) == section),
        col(PublicWindow.scope) == Scope.SITE,
    )


def is_over(window: PublicWindow, article: Article) -> bool:
    """Whether the window is over this article, as `covers` says in SQL."""
    row = OpenWindow(window.scope, window.subject, window.opened_at, window.until, window.reason)
    return row.opens(article.id, article.section)


_TEXTS = ARRAY(sa.Text)
# made once: building a statement takes as long as running it
_LIVE = select(PublicWindow).where(is_live(sa.bindparam("at")))
_OF_ARTICLES = _LIVE.where(
    covers(sa.any_(sa.bindparam("articles", type_=_TEXTS)), sa.any_(sa.bindparam("sections", type_=_TEXTS)))
)
_OPEN = _LIVE.order_by(col(PublicWindow.id).desc())


_SECTIONS = sa.select(col(Article.section)).where(
    col(Article.id) == sa.any_(sa.bindparam("articles", type_=_TEXTS))
)
OVER_ARTICLES = sa.select(
    *(
        col(PublicWindow.scope),
        col(PublicWindow.subject),
        col(PublicWindow.opened_at),
        col(PublicWindow.until),
    ),
    col(PublicWindow.reason),
).where(
    is_live(sa.bindparam("at")),
    covers(sa.any_(sa.bindparam("articles", type_=_TEXTS)), sa.any_(_SECTIONS.scalar_subquery())),
)
"""The query of the windows over the articles `:articles`, or their sections, `:at` an instant: rows of `OpenWindow`."""


def open_at(ctx: TransactionContext) -> list[PublicWindow]:
    """The windows open at the instant (now or past), newest first."""
    return list(ctx.session.scalars(_OPEN, {"at": ctx.at}))


def closed(ctx: TransactionContext, limit: int = 30) -> list[PublicWindow]:
    """The windows that are over, newest first."""
    over = sa.or_(col(PublicWindow.until) <= ctx.at, col(PublicWindow.closed_at).is_not(None))
    newest_first = select(PublicWindow).where(over).order_by(col(PublicWindow.id).desc())
    return list(ctx.session.exec(newest_first.limit(limit)))


def of_articles(
    ctx: TransactionContext, article_ids: Collection[str], sections: Collection[str]
) -> list[PublicWindow]:
    """The windows at the instant over any of these articles or their sections."""
    among = {"articles": list(article_ids), "sections": list(sections)}
    return list(ctx.session.scalars(_OF_ARTICLES, {"at": ctx.at, **among}))


def spans(windows: Sequence[PublicWindow | OpenWindow]) -> tuple[FreeSpan, ...]:
    """The windows for the rules, with their planned ends: an early end counts only once it has come."""
    return tuple(FreeSpan(row.opened_at, row.until) for row in windows)
