"""Readers' pages about their requests to staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """A reader's request to staff. `known`: the reader is signed in, so the address isn't asked for."""

    template: ClassVar[str] = "contact.html"
    email: str = ""
    known: bool = False
    kind: str = ""
    words: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSentPage:
    """The request is kept. `effect` is what a request to cancel did at once; `words`: it holds a message as well."""

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
    """What the request did. `later`: the cancelled subscription began after the request came. `returned` is on its way back, `owed`
    is given back by staff. `read`: staff answer the message as well."""

    template: ClassVar[str] = "request_confirmed.html"
    received_at: datetime
    effect: Literal["waits", "cancelled", "was_cancelled", "nothing_runs"]
    later: bool = False
    returned: Money | None = None
    owed: Money | None = None
    read: bool = False
