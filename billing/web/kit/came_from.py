"""Where a start comes from, by the ids that a page's address or a program names. Ids that nobody registered are ignored."""

import re

from billing.access.articles import ID_PATTERN
from billing.access.models import Article
from billing.newsletters.models import Issue
from billing.platform.context import TransactionContext
from billing.subscriptions.origins import CameFrom

ISSUE_PATTERN = r"^iss_[0-9a-z]{1,40}$"
_ARTICLE, _ISSUE = re.compile(ID_PATTERN), re.compile(ISSUE_PATTERN)


def is_article_id(text: str) -> bool:
    """Whether it may be an article's id."""
    return _ARTICLE.fullmatch(text) is not None


def is_issue_id(text: str) -> bool:
    """Whether it may be the id of a newsletter issue."""
    return _ISSUE.fullmatch(text) is not None


def came_from(ctx: TransactionContext, article_id: str | None, issue_id: str | None) -> CameFrom:
    """The article with its section of today, and the issue if it has been sent. At most two indexed reads."""
    article = ctx.session.get(Article, article_id) if article_id else None
    issue = ctx.session.get(Issue, issue_id) if issue_id else None
    return CameFrom(
        article_id=article.id if article else None,
        section=article.section if article else None,
        issue_id=issue.id if issue and issue.started_at else None,
    )
