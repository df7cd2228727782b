"""Staff pages about who may read: the public-interest switch, sections' policies, and why a reader may read."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRow:
    """An opening to everyone. `over_at` is when it ended, by itself or by `closed_by`."""

    opening_id: str
    what: str
    until: datetime
    reason: str
    by: str
    opened_at: datetime
    over_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A section's policy, for articles without their own, or the form as it was typed, with what is wrong with it."""

    name: str
    access: str
    free_hours: str = ""
    open_after_days: str = ""
    reason: str = ""
    error: str | None = None


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
class StaffOpenSitePage:
    """Asks once more before the whole site is opened. `typed_until` is the moment as typed."""

    template: ClassVar[str] = "staff/open_site.html"
    until: datetime
    typed_until: str
    reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffArticlesPage:
    """`rows` are a page of the articles with these `words` and this `level`, and `more` is the query of the next page. `scopes` are
    (value, words) of what can be opened. `what`, `until` and `reason` are as typed. `section_error`: of a section that isn't listed."""

    template: ClassVar[str] = "staff/articles.html"
    rows: tuple[ArticleLine, ...] = ()
    words: str = ""
    level: str = ""
    is_first: bool = True
    more: str | None = None
    live: tuple[OpeningRow, ...]
    past: tuple[OpeningRow, ...]
    scopes: tuple[tuple[str, str], ...]
    sections: tuple[SectionRow, ...]
    levels: tuple[tuple[str, str], ...]
    zone: str
    what: str = ""
    until: str = ""
    reason: str = ""
    error: str | None = None
    section_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyFact:
    """A fact in words. `holds`: whether a ground for access held; None for other facts."""

    what: str
    at: datetime | None
    by: str
    reason: str
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWhyPage:
    """`sentence` is the answer as the reader would see it; None before a question. `articles` are (id, title) to choose from;
    `fitting` those (address, title, day) that fit what was typed, where several do."""

    template: ClassVar[str] = "staff/why.html"
    reader_id: str
    email: str
    articles: tuple[tuple[str, str], ...]
    article: str = ""
    at: str = ""
    zone: str = ""
    title: str | None = None
    """Of the article that the answer is about."""
    fitting: tuple[tuple[str, str, date], ...] = ()
    sentence: str | None = None
    allowed: bool | None = None
    reason: str | None = None
    features: tuple[str, ...] = ()
    until: datetime | None = None
    meter: str | None = None
    facts: tuple[WhyFact, ...] = ()
    error: str | None = None
