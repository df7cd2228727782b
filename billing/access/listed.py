"""Articles for lists: the newest, each with what it asks of readers now."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, func

from billing.access import public_windows
from billing.access.models import Article, PublicWindow
from billing.access.registered import ARTICLES, RegisteredArticle
from billing.platform.read_together import Rows
from billing.platform.site import Site


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article, and whether an editor has opened it to everyone."""

    article: RegisteredArticle
    is_open: bool


_OPEN_UNTIL = (
    sa.select(func.max(PublicWindow.until))
    .where(col(PublicWindow.closed_at).is_(None), public_windows.covers(Article.id, Article.section))
    .scalar_subquery()
)
NEWEST = (
    ARTICLES.add_columns(_OPEN_UNTIL.label("open_until"))
    .order_by(col(Article.published_at).desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
"""The query of the `:most` articles published last, newest first; `listed` takes its rows. It doesn't depend on the instant."""


def listed(site: Site, rows: Rows, at: datetime) -> list[ListedArticle]:
    """The articles of these rows at an instant."""
    return [
        ListedArticle(RegisteredArticle.of(site, row), open_until is not None and at < open_until)
        for *row, open_until in rows
    ]
