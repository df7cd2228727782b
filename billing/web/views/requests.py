"""A reader's own pages about a request of theirs."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """A reader's request to staff. Signed in, the address is known."""

    template: ClassVar[str] = "contact.html"
    email: str = ""
    known: bool = False
    kind: str = ""
    words: str = ""
    error: str | None = None
    kinds: tuple[tuple[str, str], ...] = (
        ("cancel", "Please cancel my subscription"),
        ("wrong_charge", "I was charged wrongly"),
        ("other", "Something else"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSentPage:
    """It is kept with the moment it came. `effect` is what a request to cancel did at once; `words`: something was written
    besides."""

    template: ClassVar[str] = "contact_sent.html"
    at: datetime
    effect: Literal["waits", "cancelled", "was_cancelled", "nothing_runs"] = "waits"
    words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestConfirmPage:
    """Asks whether a request to cancel is the reader's."""

    template: ClassVar[str] = "request_confirm.html"
    received_at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestConfirmedPage:
    """What came of it. `later`: what was cancelled had begun after the request came. `returned` is on its way back, `owed` is given
    back by staff, and `read` says that they answer what was written besides."""

    template: ClassVar[str] = "request_confirmed.html"
    received_at: datetime
    effect: Literal["waits", "cancelled", "was_cancelled", "nothing_runs"]
    later: bool = False
    returned: Money | None = None
    owed: Money | None = None
    read: bool = False
