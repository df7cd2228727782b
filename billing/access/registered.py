"""Articles of the registry as a decision or a list needs them: with the policy that is stated for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import col

from billing.access.models import Article, SectionPolicy
from billing.access.policies import AccessTerms, Stated, stated_by
from billing.platform.site import Site


@dataclass(frozen=True, slots=True)
class RegisteredArticle:
    """A registered article, and its policy."""

    id: str
    url: str
    title: str
    section: str
    published_at: datetime
    stated: Stated

    @classmethod
    def of(cls, site: Site, row: Sequence[Any]) -> Self:
        """The article of a row of `ARTICLES`."""
        article_id, url, title, section, published_at, *terms = row
        own, of_section = AccessTerms(*terms[:3]), AccessTerms(*terms[3:])
        stated = stated_by(site, published_at, own, of_section)
        return cls(article_id, url, title, section, published_at, stated)


_OF_SECTION = (
    sa.select(SectionPolicy)
    .where(col(SectionPolicy.section) == Article.section)
    .order_by(col(SectionPolicy.id).desc())
    .limit(1)
    .lateral()
)


def _terms(of: Any) -> tuple[Any, ...]:
    return of.access, of.free_hours, of.open_after_days


ARTICLES = (
    sa.select(
        *(col(Article.id), col(Article.url), col(Article.title), col(Article.section)),
        *(col(Article.published_at), *_terms(Article), *_terms(_OF_SECTION.c)),
    )
    .select_from(Article)
    .outerjoin(_OF_SECTION, sa.true())
)
"""The query of all articles, to be narrowed; `RegisteredArticle.of` takes its rows."""
THESE = ARTICLES.where(col(Article.id) == sa.any_(sa.bindparam("articles", type_=ARRAY(sa.Text))))
"""The query of the articles with the ids `:articles`."""
