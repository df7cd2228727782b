"""The pages of staff about who may read: the public-interest switch, sections' policies, and why a reader may read."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRow:
    """`over_at` is when it closed: by itself, or by `closed_by`."""

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
    """What a section's articles ask that say nothing themselves; `access` is empty where the section says nothing either."""

    name: str
    access: str
    free_hours: int | None
    open_after_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffArticlesPage:
    """`scopes` are (value, words) of what can be opened; `what`, `until` and `reason` what was typed."""

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
    """A fact in words; `holds` for a ground: whether it held."""

    what: str
    at: datetime | None
    by: str
    reason: str
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWhyPage:
    """`sentence` is what the reader would be told; None before anything was asked. `articles` are (id, title) to choose from."""

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
