"""What stands around every page, and the values that several pages share."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, Protocol

from markupsafe import Markup


class House(Protocol):
    """The publisher, as the law wants it named on every page (ECT-1)."""

    @property
    def name(self) -> str: ...
    @property
    def legal_name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def vat_number(self) -> str: ...
    @property
    def contact_email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def url(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """One sentence about what has just happened."""

    text: str
    tone: Literal["good", "bad"] = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFrame:
    """The staff member at work: who, as what, and the rooms open to that role as (address, name)."""

    email: str
    role: str
    rooms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page. `path` is the current path with its query; the paper is read at
    `paper_url`, "/" where that isn't known; `banner` stands above everything, if anything does."""

    house: House
    csrf: str
    path: str
    today: date
    paper_url: str
    signed_in: bool = False
    flash: Flash | None = None
    banner: Markup | None = None
    staff: StaffFrame | None = None


class Page(Protocol):
    """Any view: it knows the template that shows it."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    gone: bool = False
    """Whether it is stored no more, so that it can't be charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """A refusal as a page: what happened in `title`, what to do in `advice`."""

    template: ClassVar[str] = "error.html"
    status: int
    title: str
    advice: str
    link: str = "/"
    link_text: str = "Back to the front page"
    request_id: str | None = None
