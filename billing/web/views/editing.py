"""Staff pages about who may read: the list of articles, the public-interest switch, sections' policies."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.web.views.article import ArticleLine


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
class StaffOpenSitePage:
    """Asks once more before the whole site is opened. `typed_until` is the moment as typed."""

    template: ClassVar[str] = "staff/open_site.html"
    until: datetime
    typed_until: str
    reason: str


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
