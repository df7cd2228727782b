"""Articles for lists: the newest, each with what it asks of readers now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import col

from billing.access import policies, public_windows
from billing.access.check import AccessResult
from billing.access.models import Article, PublicWindow, SectionPolicy
from billing.access.policies import AccessTerms
from billing.platform.context import TransactionContext
from billing.platform.read_together import Rows, read_rows
from billing.rules.policies import ArticlePolicy


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article with its policy, and whether an editor has opened it to everyone."""

    id: str
    url: str
    title: str
    section: str
    published_at: datetime
    policy: ArticlePolicy
    is_open: bool

    @classmethod
    def of(cls, checked: AccessResult) -> Self:
        """The article of an access check."""
        row, policy, is_open = checked.article, checked.stated.policy, bool(checked.public_windows)
        return cls(row.id, row.url, row.title, row.section, row.published_at, policy, is_open)


def _terms(of: Any) -> tuple[Any, Any, Any]:
    return of.access, of.free_hours, of.open_after_days


_SECTION = (
    sa.select(SectionPolicy)
    .where(col(SectionPolicy.section) == Article.section)
    .order_by(col(SectionPolicy.id).desc())
    .limit(1)
    .lateral()
)
_WINDOW = sa.exists(col(PublicWindow.id)).where(
    public_windows.is_live(sa.bindparam("at")),
    public_windows.covers(Article.id, Article.section),
)
NEWEST = (
    sa.select(
        *(col(Article.id), col(Article.url), col(Article.title), col(Article.section)),
        *(col(Article.published_at), _WINDOW, *_terms(Article), *_terms(_SECTION.c)),
    )
    .select_from(Article)
    .outerjoin(_SECTION, sa.true())
    .order_by(col(Article.published_at).desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
"""The query of `newest`, for `:at` and `:most`; `listed` takes its rows."""


def newest(ctx: TransactionContext, most: int) -> list[ListedArticle]:
    """The articles published last, newest first. One statement, however many they are."""
    return listed(ctx, read_rows(ctx.session, NEWEST, at=ctx.at, most=most))


def listed(ctx: TransactionContext, rows: Rows) -> list[ListedArticle]:
    """The articles of these rows."""
    return [_listed(ctx, *row) for row in rows]


def _listed(
    ctx: TransactionContext,
    article_id: str,
    url: str,
    title: str,
    section: str,
    published_at: datetime,
    is_open: bool,
    *terms: Any,
) -> ListedArticle:
    own, of_section = AccessTerms(*terms[:3]), AccessTerms(*terms[3:])
    policy = policies.stated_by(ctx.site, published_at, own, of_section).policy
    return ListedArticle(article_id, url, title, section, published_at, policy, is_open)
