"""Articles for lists: the newest, each with what it asks of readers now."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col

from billing.access import public_windows
from billing.access.models import Article, PublicWindow
from billing.access.registered import ARTICLES, RegisteredArticle
from billing.platform.context import TransactionContext
from billing.platform.read_together import Rows, read_rows


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article, and whether an editor has opened it to everyone."""

    article: RegisteredArticle
    is_open: bool


_WINDOW = sa.exists(col(PublicWindow.id)).where(
    public_windows.is_live(sa.bindparam("at")), public_windows.covers(Article.id, Article.section)
)
NEWEST = (
    ARTICLES.add_columns(_WINDOW)
    .order_by(col(Article.published_at).desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
"""The query of `newest`, for `:at` and `:most`; `listed` takes its rows."""


def newest(ctx: TransactionContext, most: int) -> list[ListedArticle]:
    """The articles published last, newest first. One statement, however many they are."""
    return listed(ctx, read_rows(ctx.session, NEWEST, at=ctx.at, most=most))


def listed(ctx: TransactionContext, rows: Rows) -> list[ListedArticle]:
    """The articles of these rows."""
    return [ListedArticle(RegisteredArticle.of(ctx.site, row), is_open) for *row, is_open in rows]
