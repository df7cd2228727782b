"""What stands around every page, and the values that several pages share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, Protocol

from markupsafe import Markup

from billing.rules.reader_state import CAN_START, PROMISED_TRIAL, ReaderState
from billing.web.views.staff_menu import RoomMenu, here, menus
from emails import House
from emails.languages import ENGLISH, Language, Text, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """One sentence about what has just happened."""

    text: Text
    tone: Literal["good", "bad"] = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFrame:
    """The signed-in member of staff. `rooms` are the pages open to that role, as (address, name). `may_find`: the role finds
    readers."""

    email: str
    role: str
    rooms: tuple[tuple[str, str], ...]
    may_find: bool = False

    @property
    def menus(self) -> tuple[RoomMenu, ...]:
        """The rooms in the order of the head."""
        return menus(self.rooms)

    def here(self, path: str) -> str:
        """The address of the room to which a page belongs, or nothing."""
        return here(self.rooms, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page. `csrf` makes the token of a form, since most pages of strangers have none; `path` has the query;
    `paper_url` is where the paper is read, "/" where that isn't known; `banner` stands above everything."""

    house: House
    csrf: Callable[[], str]
    path: str
    again_at: str = "/"
    """Where the page can be had again; the answer to a form can't."""
    today: date
    paper_url: str
    signed_in: bool = False
    can_subscribe: bool = False
    """Whether a signed-in reader has no subscription that runs."""
    flash: Flash | None = None
    banner: Markup | None = None
    staff: StaffFrame | None = None
    language: Language = ENGLISH
    languages: tuple[Language, ...] = (ENGLISH,)
    """Those among which a reader can choose."""


def nothing_agreed(_: Language) -> str:
    """No signed copy, for a page that nobody agrees to."""
    return ""


def no_token() -> str:
    """No token, for a page that many browsers share."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOn:
    """The article from which the reader came to our pages."""

    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """How the reader stands, in one sentence, and the one button: a link to `address`, or with `is_form` a form sent there."""

    state: ReaderState
    sentence: Text
    button: Text
    address: str
    is_form: bool = False

    @property
    def promises_trial(self) -> bool:
        """Whether the reader may start with a trial, as far as is known."""
        return self.state in PROMISED_TRIAL

    @property
    def can_start(self) -> bool:
        """Whether the reader may start a subscription."""
        return self.state in CAN_START

    @property
    def leads_back(self) -> bool:
        """Whether the pages behind a linked button lead back to an article."""
        return self.can_start or self.state is ReaderState.PAUSED


class Page(Protocol):
    """Any view: it names its template."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    gone: bool = False
    """The acquirer stores it no more, so it can't be charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """A refusal as a page: what happened in `title`, what to do in `advice`."""

    template: ClassVar[str] = "error.html"
    status: int
    title: Text
    advice: Text
    link: str = "/"
    link_text: Text = say("Back to the front page")  # noqa: RUF009 - a sentence
    request_id: str | None = None
