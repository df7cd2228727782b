"""The registry of articles. Each change adds a version, so that past decisions can be explained."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion
from billing.access.policies import AccessTerms
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names, lock_row
from billing.platform.errors import NotFound
from billing.platform.storable import storable
from billing.platform.text_parts import has_all, indexed

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"
"""What publishers may call an article: nothing that an address would have to quote."""
MOST_WORDS = 8
_DECIDING = {
    "section",
    "access",
    "free_hours",
    "open_after_days",
    "published_at",
}  # `ArticleVersion` has each


class UnknownArticle(NotFound):
    """We can’t find this article. It may have moved, or its address is mistyped."""

    code = "unknown_article"


def article(session: Session, article_id: str) -> Article:
    """Raises UnknownArticle."""
    found = session.get(Article, article_id)
    if found is None:
        raise UnknownArticle
    return found


def article_at(ctx: TransactionContext, article_id: str) -> ArticleVersion:
    """The article's version at a past instant. Raises UnknownArticle."""
    found = ctx.session.exec(
        select(ArticleVersion)
        .where(ArticleVersion.article_id == article_id, ArticleVersion.at <= ctx.at)
        .order_by(col(ArticleVersion.id).desc())
        .limit(1)
    ).first()
    if found is None or found.removed:
        raise UnknownArticle
    return found


def newest(session: Session, limit: int = 50) -> list[Article]:
    """The articles published last, newest first."""
    return list(session.exec(select(Article).order_by(col(Article.published_at).desc()).limit(limit)))


def meant_by(typed: str) -> sa.ColumnElement[bool]:
    """Whether an article has this id, or all these words, or parts of words, in its title. Words are looked for if one of them has
    three letters, which the index needs."""
    if not storable(typed):
        return sa.false()
    words = typed.split()[:MOST_WORDS]
    named = col(Article.id) == typed.strip()
    return sa.or_(named, sa.and_(*has_all(col(Article.title), words))) if indexed(words) else named


def titled(session: Session, typed: str, limit: int = 20) -> list[Article]:
    """The articles that somebody may mean who types this, newest first."""
    query = select(Article).where(meant_by(typed))
    newest_first = query.order_by(col(Article.published_at).desc(), col(Article.id).desc())
    return list(session.exec(newest_first.limit(limit)))


def sections(session: Session) -> list[str]:
    """Every section that has an article."""
    return list(session.exec(select(Article.section).distinct().order_by(Article.section)))


def register(ctx: TransactionContext, given: Article, terms: AccessTerms) -> Article:
    """Add the article with these terms, or change the one of its id. Raises WindowWithoutLevel, WindowTooLong."""
    terms.check()
    lock_names(ctx.session, f"article {given.id}")  # two who add one article at once would both insert it
    known = lock_row(ctx.session, Article, given.id)
    before = _deciding(known) if known else None  # read now: `merge` writes into `known`
    row = ctx.session.merge(given) if known else given
    row.access, row.free_hours, row.open_after_days = terms.access, terms.free_hours, terms.open_after_days
    if known is None:
        ctx.session.add(row)
    if _deciding(row) != before:
        ctx.session.add(_version(ctx, row))
    ctx.session.flush()
    return row


def set_terms(ctx: TransactionContext, article_id: str, terms: AccessTerms) -> tuple[Article, AccessTerms]:
    """Give a registered article these terms; the article and its terms before. Raises UnknownArticle, WindowWithoutLevel,
    WindowTooLong."""
    terms.check()
    row = _locked(ctx, article_id)
    before = AccessTerms(row.access, row.free_hours, row.open_after_days)
    row.access, row.free_hours, row.open_after_days = terms.access, terms.free_hours, terms.open_after_days
    if before != terms:
        ctx.session.add(_version(ctx, row))
    ctx.session.flush()
    return row, before


def remove(ctx: TransactionContext, article_id: str) -> None:
    """Remove the article from the registry; its versions stay. Raises UnknownArticle."""
    found = _locked(ctx, article_id)
    ctx.session.add(_version(ctx, found, removed=True))
    ctx.session.delete(found)


def _locked(ctx: TransactionContext, article_id: str) -> Article:
    found = lock_row(ctx.session, Article, article_id)
    if found is None:
        raise UnknownArticle
    return found


def _deciding(row: Article) -> dict[str, Any]:
    return row.model_dump(include=_DECIDING)


def _version(ctx: TransactionContext, row: Article, *, removed: bool = False) -> ArticleVersion:
    return ArticleVersion(
        article_id=row.id, at=ctx.at, removed=removed, **_deciding(row), **acted_by(ctx.actor)
    )
