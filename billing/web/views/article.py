"""The staff page of one article."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleLine:
    """An article in the list: what it asks now, because of what, and until when, where that ends. `gifts` were made of it, and
    `opened` so often. It led to so many `trials`, and `paid_starts` without one."""

    article_id: str
    title: str
    section: str
    published_at: datetime
    asks: str
    because: str
    until: datetime | None = None
    gifts: int = 0
    opened: int = 0
    trials: int = 0
    paid_starts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleVersionRow:
    """What decided about an article from an instant on."""

    at: datetime
    by: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffArticlePage:
    """One article: what it asks and why, its own terms, and how these were. `access`, the hours, days and `reason` are as typed."""

    template: ClassVar[str] = "staff/article.html"
    line: ArticleLine
    url: str
    levels: tuple[tuple[str, str], ...]
    access: str
    free_hours: str = ""
    open_after_days: str = ""
    reason: str = ""
    versions: tuple[ArticleVersionRow, ...] = ()
    error: str | None = None
