"""The registry of articles."""

from datetime import datetime

from sqlmodel import Session, col, select

from billing.access.models import Article
from billing.errors import NotFound
from billing.rules.access import AccessLevel


class UnknownArticle(NotFound):
    """There is no article by that id."""

    code = "unknown_article"


def article(session: Session, article_id: str) -> Article:
    """Raises UnknownArticle."""
    found = session.get(Article, article_id)
    if found is None:
        raise UnknownArticle
    return found


def newest(session: Session, limit: int = 50) -> list[Article]:
    """The articles published last."""
    return list(session.exec(select(Article).order_by(col(Article.published_at).desc()).limit(limit)))


def register(
    session: Session,
    article_id: str,
    *,
    title: str,
    url: str,
    section: str,
    access: AccessLevel,
    published_at: datetime,
) -> Article:
    """Make the article known, or change what is known of it."""
    found = session.get(Article, article_id)
    if found is None:
        found = Article(
            id=article_id, title=title, url=url, section=section, access=access, published_at=published_at
        )
    found.title, found.url, found.section = title, url, section
    found.access, found.published_at = access, published_at
    session.add(found)
    return found
