"""The page of a reader's gifts."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.access.gifts import GiftLimits
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftRow:
    """A gift: its link, until when it works, how many readers have opened it, of how many at most."""

    gift_id: str
    title: str
    article_url: str
    """Empty where the article is gone."""
    link: str
    until: datetime
    opened: int
    most: int
    over: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftsPage:
    """The reader's gifts. `made` is the one to show with its link; `left` is how many may still be given this month."""

    template: ClassVar[str] = "gifts.html"
    rows: tuple[GiftRow, ...]
    made: GiftRow | None
    left: int
    limits: GiftLimits
