"""All registered articles for editors: a page at a time, the newest first, each with what it asks now and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from billing.access import articles, policies, public_windows
from billing.access.models import Article, ArticleVersion, PublicWindow
from billing.access.policies import AccessTerms
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.reports import article_starts
from billing.reports.article_starts import ArticleStarts
from billing.rules.asked import AskedLevel, asked
from billing.rules.policies import UNSTATED, AccessLevel

A_PAGE = 50


class BadArticlePlace(Invalid):
    """This link to more articles is damaged; begin with the first page."""

    code = "bad_article_place"


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article with what it asks now, how many gifts of it were made, how often these were opened, and what it led to."""

    article: Article
    asked: AskedLevel
    gifts: int
    opened: int
    starts: ArticleStarts


@dataclass(frozen=True, slots=True)
class ArticleListPage:
    """A page of the list; `after` names the place of the next one, or is None at the end."""

    rows: tuple[ArticleRow, ...]
    after: str | None


def article_page(
    ctx: TransactionContext, *, words: str = "", level: AccessLevel | None = None, after: str = ""
) -> ArticleListPage:
    """The articles that are meant by `words` (`articles.meant_by`), and whose policy has the level. Raises BadArticlePlace."""
    sections = policies.of_sections(ctx.session)
    query = select(Article).order_by(col(Article.published_at).desc(), col(Article.id).desc())
    if words.strip():
        query = query.where(articles.meant_by(words))
    query = _with_level(query, level, sections)
    if after:
        query = query.where(sa.tuple_(col(Article.published_at), col(Article.id)) < _place(after))
    found = ctx.session.exec(query.limit(A_PAGE + 1)).all()
    rows, more = found[:A_PAGE], found[A_PAGE:]
    last = rows[-1] if more else None
    place = f"{last.published_at.isoformat()}~{last.id}" if last is not None else None
    return ArticleListPage(rows_of(ctx, rows), place)


def _place(after: str) -> sa.Tuple:
    published, _, article_id = after.partition("~")
    try:
        at = datetime.fromisoformat(published)
    except ValueError:
        raise BadArticlePlace from None
    if at.tzinfo is None or not article_id:
        raise BadArticlePlace
    return sa.tuple_(sa.literal(at), sa.literal(article_id))


def _with_level(
    query: SelectOfScalar[Article], level: AccessLevel | None, sections: dict[str, AccessTerms]
) -> SelectOfScalar[Article]:
    if level is None:
        return query
    says_nothing = col(Article.access).is_(None)
    saying = [name for name, terms in sections.items() if terms.access is level]
    of_section = sa.and_(says_nothing, col(Article.section).in_(saying))
    if level is UNSTATED.level:
        of_section = sa.or_(of_section, sa.and_(says_nothing, col(Article.section).not_in(list(sections))))
    return query.where(sa.or_(col(Article.access) == level, of_section))


def rows_of(ctx: TransactionContext, found: Sequence[Article]) -> tuple[ArticleRow, ...]:
    """These articles, each with what it asks now."""
    sections = policies.of_sections(ctx.session, {article.section for article in found})
    windows = public_windows.of_articles(
        ctx, [article.id for article in found], {article.section for article in found}
    )
    gifts = _gifts(ctx.session, [article.id for article in found])
    starts = article_starts.of_articles(ctx.session, [article.id for article in found])
    return tuple(
        ArticleRow(
            article,
            _asked(ctx, article, sections, windows),
            *gifts.get(article.id, (0, 0)),
            starts.get(article.id, ArticleStarts()),
        )
        for article in found
    )


def _asked(
    ctx: TransactionContext,
    article: Article,
    sections: dict[str, AccessTerms],
    windows: Iterable[PublicWindow],
) -> AskedLevel:
    stated = policies.stated(ctx.site, article, sections)
    ends = [window.until for window in windows if public_windows.is_over(window, article)]
    return asked(stated.policy, stated.by, max(ends, default=None), ctx.at)


_GIFTS = sa.text(
    "SELECT article_id, count(*), sum(opened) FROM gift WHERE article_id = ANY(:articles) GROUP BY article_id"
)


def _gifts(session: Session, article_ids: list[str]) -> dict[str, tuple[int, int]]:
    rows = session.execute(_GIFTS, {"articles": article_ids})
    return {article_id: (number, int(opened)) for article_id, number, opened in rows}


def versions(session: Session, article_id: str, limit: int = 20) -> list[ArticleVersion]:
    """What decided about the article, newest first."""
    query = select(ArticleVersion).where(ArticleVersion.article_id == article_id)
    return list(session.exec(query.order_by(col(ArticleVersion.id).desc()).limit(limit)))
