"""The registry of articles. Each change leaves a line behind, so that it can be told what was asked at any moment."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from billing.access.models import Article, ArticleVersion
from billing.access.policies import Terms
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
    """Those of these articles that are known, by their ids."""
    rows = session.exec(select(Article).where(col(Article.id).in_(ids))) if ids else ()
    return {row.id: row for row in rows}


def article_at(session: Session, article_id: str, at: datetime) -> ArticleVersion:
    """What was known of it at a past instant. Raises UnknownArticle where nothing was."""
    found = session.exec(
        select(ArticleVersion)
        .where(ArticleVersion.article_id == article_id, ArticleVersion.at <= at)
        .order_by(col(ArticleVersion.id).desc())
        .limit(1)
    ).first()
    if found is None or found.removed:
        raise UnknownArticle
    return found


def newest(session: Session, limit: int = 50) -> list[Article]:
    """The articles published last."""
    return list(session.exec(select(Article).order_by(col(Article.published_at).desc()).limit(limit)))


def sections(session: Session) -> list[str]:
    """Every section that has an article."""
    return list(session.exec(select(Article.section).distinct().order_by(Article.section)))


def register(
    session: Session,
    article_id: str,
    *,
    title: str,
    url: str,
    section: str,
    terms: Terms,
    published_at: datetime,
    at: datetime,
    by: str,
) -> Article:
    """Make the article known, or change what is known of it. Raises as `Terms.mind`."""
    terms.mind()
    found = session.get(Article, article_id)
    before = _deciding(found) if found is not None else None
    if found is None:
        found = Article(id=article_id, title=title, url=url, section=section, published_at=published_at)
    found.title, found.url, found.section, found.published_at = title, url, section, published_at
    found.access, found.free_hours, found.open_after_days = (
        terms.access,
        terms.free_hours,
        terms.open_after_days,
    )
    session.add(found)
    if _deciding(found) != before:
        session.add(_version(found, at, by))
    session.flush()
    return found


def forget(session: Session, article_id: str, *, at: datetime, by: str) -> None:
    """Take the article out of the registry; what it asked until now stays known. Raises UnknownArticle."""
    found = article(session, article_id)
    last = _version(found, at, by)
    last.removed = True
    session.add(last)
    session.delete(found)


def _deciding(row: Article) -> tuple[object, ...]:
    return row.section, row.access, row.free_hours, row.open_after_days, row.published_at


def _version(row: Article, at: datetime, by: str) -> ArticleVersion:
    return ArticleVersion(
        article_id=row.id,
        at=at,
        section=row.section,
        access=row.access,
        free_hours=row.free_hours,
        open_after_days=row.open_after_days,
        published_at=row.published_at,
        by=by,
    )
