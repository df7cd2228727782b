"""Staff pages about who may read: the public-interest switch, sections' policies, and why a reader may read."""

from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionRow:
    """A section's policy, for articles without their own. `access` is empty where the section has no level either."""

    name: str
    access: str
    free_hours: int | None
    open_after_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffArticlesPage:
    """`scopes` are (value, words) of what can be opened. `what`, `until` and `reason` are as typed."""

    template: ClassVar[str] = "staff/articles.html"
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
    """`sentence` is the answer as the reader would see it; None before a question. `articles` are (id, title) to choose from."""

    template: ClassVar[str] = "staff/why.html"
    reader_id: str
    email: str
    articles: tuple[tuple[str, str], ...]
    article: str = ""
    at: str = ""
    zone: str = ""
    sentence: str | None = None
    allowed: bool | None = None
    reason: str | None = None
    features: tuple[str, ...] = ()
    until: datetime | None = None
    meter: str | None = None
    facts: tuple[WhyFact, ...] = ()
    error: str | None = None
