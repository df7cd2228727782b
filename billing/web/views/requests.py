"""Readers' pages about their requests to staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from billing.rules.money import Money
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """A reader's request to staff. `known`: the reader is signed in, so the address isn't asked for."""

    template: ClassVar[str] = "contact.html"
    email: str = ""
    known: bool = False
    kind: str = ""
    words: str = ""
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSentPage:
    """The request is kept. `effect` is what a request to cancel did at once; `words`: it holds a message as well."""

    template: ClassVar[str] = "contact_sent.html"
    at: datetime
    effect: Literal["waits", "cancelled", "was_cancelled", "nothing_runs"] = "waits"
    words: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequestRow:
    """A request of the signed-in reader. `kind` is a `RequestKind`. `waits_since`: they wait for an answer. `answered_at`: of the last answer."""

    request_id: str
    kind: str
    words: str
    received_at: datetime
    waits_since: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequestsPage:
    """All requests of the signed-in reader, newest first."""

    template: ClassVar[str] = "own_requests.html"
    rows: tuple[OwnRequestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMessage:
    """A message after the request's own words, of the reader or of staff. `by` names who wrote it, for staff alone.

    `mail_from`: it came by mail, with this From line; `mail_from_reader`: which was the reader's address then. `attachments` names
    files that came with it, and that aren't kept."""

    at: datetime
    words: str
    by_reader: bool
    by: str = ""
    mail_from: str | None = None
    mail_from_reader: bool = False
    attachments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequestPage:
    """A thread, oldest first. `signed_in`: its first words are known to be the reader's. `done_at`: an act settled the request, such as
    a cancellation. `draft` is a reply that was refused, `error` why."""

    template: ClassVar[str] = "own_request.html"
    row: OwnRequestRow
    signed_in: bool
    messages: tuple[ThreadMessage, ...] = ()
    done_at: datetime | None = None
    draft: str = ""
    error: Text | None = None


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
