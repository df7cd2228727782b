"""The staff page that says why a reader may read an article."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar


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
