"""Articles for lists: the newest, each with what it asks of readers now."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from billing.access import policies, public_windows
from billing.access.models import Article, PublicWindow, SectionPolicy
from billing.access.policies import AccessTerms, Stated
from billing.platform.context import TransactionContext


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article with its policy, and whether an editor has opened it to everyone."""

    article: Article
    stated: Stated
    is_open: bool


_AT: Any = sa.bindparam("at")
_POLICY = (
    sa.select(col(SectionPolicy.access), col(SectionPolicy.free_hours), col(SectionPolicy.open_after_days))
    .where(col(SectionPolicy.section) == Article.section)
    .order_by(col(SectionPolicy.id).desc())
    .limit(1)
    .lateral()
)
_WINDOW = sa.exists(col(PublicWindow.id)).where(
    public_windows.is_live(_AT), public_windows.covers(Article.id, Article.section)
)
# made once: building a statement takes as long as running it
_NEWEST = (
    sa.select(Article, *_POLICY.c, _WINDOW)
    .select_from(Article)
    .outerjoin(_POLICY, sa.true())
    .order_by(col(Article.published_at).desc())
    .limit(sa.bindparam("most"))
)


def newest(ctx: TransactionContext, most: int) -> list[ListedArticle]:
    """The articles published last, newest first. One statement, however many they are."""
    rows = ctx.session.execute(_NEWEST, {"at": ctx.at, "most": most})
    return [
        ListedArticle(
            article, policies.stated(ctx.site, article, {article.section: AccessTerms(*terms)}), opened
        )
        for article, *terms, opened in rows
    ]
