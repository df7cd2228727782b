"""The registry of articles. Each change adds a version, so that past decisions can be explained."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion
from billing.access.policies import AccessTerms
from billing.platform.actors import Actor, acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import NotFound


class UnknownArticle(NotFound):
    """There is no article by that id."""

    code = "unknown_article"


def article(session: Session, article_id: str) -> Article:
    """Raises UnknownArticle."""
    found = session.get(Article, article_id)
    if found is None:
        raise UnknownArticle
    return found


def by_ids(session: Session, ids: Collection[str]) -> dict[str, Article]:
    """Those of these articles that exist, by id."""
    rows = session.exec(select(Article).where(col(Article.id).in_(ids))) if ids else ()
    return {row.id: row for row in rows}


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


def sections(session: Session) -> list[str]:
    """Every section that has an article."""
    return list(session.exec(select(Article.section).distinct().order_by(Article.section)))


def register(
    ctx: TransactionContext,
    article_id: str,
    *,
    title: str,
    url: str,
    section: str,
    terms: AccessTerms,
    published_at: datetime,
) -> Article:
    """Add the article or change it. Raises WindowWithoutLevel, WindowTooLong."""
    terms.check()
    found = ctx.session.get(Article, article_id)
    before = _deciding(found) if found is not None else None
    if found is None:
        found = Article(id=article_id, title=title, url=url, section=section, published_at=published_at)
    found.title, found.url, found.section, found.published_at = title, url, section, published_at
    found.access, found.free_hours, found.open_after_days = (
        terms.access,
        terms.free_hours,
        terms.open_after_days,
    )
    ctx.session.add(found)
    if _deciding(found) != before:
        ctx.session.add(_version(found, ctx.at, ctx.actor))
    ctx.session.flush()
    return found


def remove(ctx: TransactionContext, article_id: str) -> None:
    """Remove the article from the registry; its versions stay. Raises UnknownArticle."""
    found = article(ctx.session, article_id)
    last = _version(found, ctx.at, ctx.actor)
    last.removed = True
    ctx.session.add(last)
    ctx.session.delete(found)


def _deciding(row: Article) -> tuple[object, ...]:
    return row.section, row.access, row.free_hours, row.open_after_days, row.published_at


def _version(row: Article, at: datetime, by: Actor) -> ArticleVersion:
    return ArticleVersion(
        article_id=row.id,
        at=at,
        section=row.section,
        access=row.access,
        free_hours=row.free_hours,
        open_after_days=row.open_after_days,
        published_at=row.published_at,
        **acted_by(by),
    )
