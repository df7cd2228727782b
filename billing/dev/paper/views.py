"""The views of the sample paper's pages, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup

from billing.rules.money import Money
from billing.web.views.account import Unreached
from billing.web.views.frame import NextStep
from billing.web.views.start import Teaser
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlesPage:
    template: ClassVar[str] = "articles.html"
    articles: tuple[Teaser, ...]
    price: Money
    period: str = "month"
    trial_days: int
    step: NextStep | None
    """None for a reader to whom everything is open, and who owes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of an article: a paragraph, a heading, a quotation, or a figure (`text` is its caption)."""

    kind: Literal["paragraph", "heading", "quote", "figure"]
    text: str
    svg: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The paywall in place of the text, by the access decision's three refusals.

    `limit` is the number of free metered articles a month, `registered_limit` that of a free registration. `gift_over` explains why
    a gift link no longer works. `step` is what the reader can do.
    """

    reason: Literal["register", "subscribe", "meter_used"]
    step: NextStep
    price: Money
    period: str = "month"
    trial_days: int
    limit: int | None = None
    registered_limit: int | None = None
    gift_over: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterNote:
    used: int
    limit: int

    @property
    def is_last(self) -> bool:
        """Whether no free article is left this month."""
        return self.used >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """`source` is the recording's address, valid for five minutes; without it the page says that subscribers can listen."""

    minutes: int
    source: str | None = None


OpenGraph = tuple[tuple[str, str], ...]
"""Names and values of link preview properties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePage:
    """Has either `paragraphs` or `wall`: locked text is never given to the page (PW-1).

    `canonical` is the page's address. `noindex` keeps other versions out of search: by gift (PW-8), for signed-in readers, for print.
    `is_free`: everyone may read it now, so nothing on the page is marked as locked (PW-2).
    """

    template: ClassVar[str] = "article.html"
    teaser: Teaser
    byline: str
    paragraphs: tuple[Block, ...] | None
    wall: Wall | None
    meter: MeterNote | None = None
    listen: Listen | None = None
    note: Text | None = None
    terms: Text | None = None
    unreached: Unreached | None = None
    """Set if the reader's mail address refuses our mail."""
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
    """The print version."""

    template: ClassVar[str] = "print.html"
