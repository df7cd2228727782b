"""What the sample paper's pages need, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup

from billing.rules.money import Money
from billing.web.views.account import Unreached
from billing.web.views.start import Teaser


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlesPage:
    template: ClassVar[str] = "articles.html"
    articles: tuple[Teaser, ...]
    price: Money
    period: str = "month"
    trial_days: int
    can_subscribe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of an article: a paragraph, a heading, a quotation, or a figure (`text` is its caption)."""

    kind: Literal["paragraph", "heading", "quote", "figure"]
    text: str
    svg: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """What stands instead of the text: the three refusals of the access decision.

    `limit` is how many metered articles a month were free; `registered_limit` what a free registration would give.
    `gift_over` tells whoever followed a gift link why it opens nothing any more.
    """

    reason: Literal["register", "subscribe", "meter_used"]
    price: Money
    period: str = "month"
    trial_days: int
    limit: int | None = None
    registered_limit: int | None = None
    gift_over: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterNote:
    used: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """With `source`, an address for five minutes, the reader may listen; without it a sentence says that subscribers can."""

    minutes: int
    source: str | None = None


OpenGraph = tuple[tuple[str, str], ...]
"""Properties for link previews, with their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePage:
    """Either `paragraphs` or `wall`: locked text is never handed to the page (PW-1).

    `canonical` is the page's one address; `noindex` keeps other forms of it out of search: what a gift opened (PW-8), what a
    signed-in reader sees, the print. `is_free`: everybody reads it now, so nothing on the page is marked as locked (PW-2).
    """

    template: ClassVar[str] = "article.html"
    teaser: Teaser
    byline: str
    paragraphs: tuple[Block, ...] | None
    wall: Wall | None
    meter: MeterNote | None = None
    listen: Listen | None = None
    note: str | None = None
    terms: str | None = None
    unreached: Unreached | None = None
    """The reader's mail address refuses our mail."""
    can_give: bool = False
    canonical: str | None = None
    noindex: bool = False
    json_ld: Mapping[str, object] | None = None
    open_graph: OpenGraph = ()
    is_free: bool = False
    more: tuple[Teaser, ...] = ()

    def __post_init__(self) -> None:
        if (self.paragraphs is None) == (self.wall is None):
            raise ValueError("An article page shows either its text or a wall, never both and never neither.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintPage(ArticlePage):
    """The same on one sheet, without what belongs to a screen."""

    template: ClassVar[str] = "print.html"
