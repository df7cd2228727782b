"""Staff pages about readers, requests, the audit and members."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from markupsafe import Markup

from billing.rules.money import Money
from billing.web.views.frame import Card
from billing.web.views.operators import PausedNote


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSignInPage:
    template: ClassVar[str] = "staff/sign_in.html"
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCodePage:
    """The second factor. `picture` and `key` set up an authenticator first; only the demo shows `demo_code`."""

    template: ClassVar[str] = "staff/code.html"
    picture: Markup | None = None
    key: str | None = None
    demo_code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    reader_id: str
    email: str
    by: str
    external_id: str | None
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFindPage:
    """`found` is None before a search."""

    template: ClassVar[str] = "staff/find.html"
    found: tuple[FoundRow, ...] | None = None
    query: str = ""
    waiting: int | None = None
    paused: PausedNote | None = None
    silent_since: datetime | None = None
    no_run_since: datetime | None = None
    """When a billing run last finished, where that is too long ago."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEntry:
    """A line of the timeline. `link` leads to the page of what it is about, if there is one."""

    at: datetime
    kind: str
    what: str
    by: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A payment that can be refunded; `left` is how much of it."""

    payment_id: str
    number: str
    paid_at: datetime
    gross: Money
    left: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierWithdrawal:
    """A withdrawal within the last year, by the same reader or with the same card."""

    on: date
    amount: Money
    reader_id: str
    same_reader: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A request. For a withdrawal, `withdrawal` is what would go back, `earlier` is why staff decide, and `stands` is the state of
    its subscription."""

    request_id: str
    reader_id: str | None
    email: str
    asked: str
    words: str
    received_at: datetime
    email_verified: bool
    confirm_asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    may_ask: bool = False
    charged_since: Money | None = None
    next_charge: Money | None = None
    next_at: datetime | None = None
    withdrawal: Money | None = None
    earlier: tuple[EarlierWithdrawal, ...] = ()
    stands: Literal["runs", "cancelled", "ended"] = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReaderPage:
    """Everything about a reader. `acts` are (address, words) of what this member may do now."""

    template: ClassVar[str] = "staff/reader.html"
    reader_id: str
    email: str
    external_id: str | None
    since: datetime
    address_proved: bool
    standing: str
    access: str
    next_charge: str
    card: Card | None
    customer_ref: str | None
    another_trial: bool
    acts: tuple[tuple[str, str], ...]
    payments: tuple[PaymentRow, ...]
    may_refund: bool
    may_answer: bool
    requests: tuple[RequestRow, ...]
    entries: tuple[StaffEntry, ...]
    kinds: tuple[str, ...]
    only: str | None
    page: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActField:
    """One field of the form. `kind` is moment, days, rand, or choice, with `choices` as (value, words)."""

    name: str
    label: str
    kind: str
    value: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffActPage:
    """The preview of an act: what it would do, in words and rand. Without `version` it can't be done as typed; `error` says why.

    `asks` is the question to the member and where the answer stands; the answer has at most `most` letters. `reader_reads` is the
    answer as the reader will read it, so far as typed."""

    template: ClassVar[str] = "staff/act.html"
    reader_id: str
    email: str
    title: str
    action: str
    hidden: tuple[tuple[str, str], ...]
    fields: tuple[ActField, ...]
    words: tuple[str, ...]
    button: str
    version: str | None
    asks: tuple[str, str] = ("Why?", "it stands in the history")
    most: int = 1000
    reason: str = ""
    reader_reads: str | None = None
    error: str | None = None
    meanwhile: StaffEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMailPage:
    template: ClassVar[str] = "staff/mail.html"
    reader_id: str
    email: str
    recipient: str
    subject: str
    text: str
    state: str
    created_at: datetime
    accepted_at: datetime | None
    answer: str | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachedReaderRow:
    """A reader whom the notice of another price did not reach. `can_be_seen`: the old price is kept, so it can be marked as seen."""

    notice_id: str
    reader_id: str
    email: str
    keeps: Money
    instead_of: Money
    starts_on: date
    answer: str
    can_be_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPricesPage:
    template: ClassVar[str] = "staff/prices.html"
    rows: tuple[UnreachedReaderRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestsPage:
    """Open requests, oldest first, with the rand at risk."""

    template: ClassVar[str] = "staff/requests.html"
    rows: tuple[RequestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestPage:
    """One request, open or closed."""

    template: ClassVar[str] = "staff/request.html"
    row: RequestRow
    closed_at: datetime | None
    closed_by: str | None
    answer: str | None
    draft: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    id: int
    at: datetime
    by: str
    act: str
    refused: bool
    reader_id: str | None
    subject: str | None
    reason: str
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAuditPage:
    """`older` and `csv` are the addresses of the next page and of the export."""

    template: ClassVar[str] = "staff/audit.html"
    rows: tuple[AuditRow, ...]
    acts: tuple[str, ...]
    who: str
    reader: str
    act: str
    since: str
    until: str
    refused: bool
    csv: str
    older: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    staff_id: str
    email: str
    role: str
    disabled_at: datetime | None
    enrolled: bool
    signed_in: int
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMembersPage:
    template: ClassVar[str] = "staff/members.html"
    rows: tuple[MemberRow, ...]
    roles: tuple[str, ...]
    email: str = ""
    reason: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A tax invoice, or a credit note with amounts below zero."""

    number: str
    issued_on: date
    reader_id: str
    description: str
    net: Money
    vat: Money
    gross: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInvoicesPage:
    """A month's tax invoices and credit notes; `month`, `before` and `after` as 2027-03."""

    template: ClassVar[str] = "staff/invoices.html"
    month: str
    first_day: date
    before: str
    after: str | None
    rows: tuple[DocumentRow, ...]
    net: Money
    vat: Money
    gross: Money
