"""The page of a reader's gifts."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveRow:
    """A gift of this or another article: its link, until when, how many have opened it, of how many."""

    gift_id: str
    title: str
    article_url: str
    """Empty where the article is gone."""
    link: str
    until: datetime
    opened: int
    most: int
    over: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftsPage:
    """The reader's gifts; `made` is the one just made or found."""

    template: ClassVar[str] = "gifts.html"
    rows: tuple[GiveRow, ...]
    made: GiveRow | None
    left: int
    a_month: int
    days: int
    readers: int
