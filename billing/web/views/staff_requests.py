"""Requests of readers that staff answer."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.web.views.requests import ThreadMessage


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
    its subscription. `age` is how long its reader has waited, in words; `claimed_by` the member who has it."""

    request_id: str
    reader_id: str | None
    email: str
    asked: str
    words: str
    received_at: datetime
    email_verified: bool
    confirm_asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    waits_since: datetime | None = None
    may_ask: bool = False
    complained: Money | None = None
    complained_at: datetime | None = None
    charged_since: Money | None = None
    next_charge: Money | None = None
    next_at: datetime | None = None
    withdrawal: Money | None = None
    earlier: tuple[EarlierWithdrawal, ...] = ()
    stands: Literal["runs", "cancelled", "ended"] = "cancelled"
    age: str = ""
    claimed_by: str | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRequestRow:
    """A waiting request on its reader's page. `latest`: the reader's last reply. `is_mine`: this member has it. `may_open`: the
    member's role answers requests. `short_answer`: it may be answered there. `answer_goes`: where an answer goes, in words;
    `nobody_reads`: why nobody would read one, else empty."""

    row: RequestRow
    latest: ThreadMessage | None = None
    is_mine: bool = False
    may_open: bool = True
    short_answer: bool = True
    answer_goes: str
    nobody_reads: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestsPage:
    """Requests that wait for an answer, the longest wait first, with the rand at risk: all, or those of `whose` and of a `kind`.
    `kinds` are (value, words); `more` is the address of the next page."""

    template: ClassVar[str] = "staff/requests.html"
    rows: tuple[RequestRow, ...]
    whose: Literal["mine", "nobody"] | None = None
    kind: str | None = None
    kinds: tuple[tuple[str, str], ...] = ()
    more: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRow:
    """A request that waits for nobody. `by` did `what` at `settled_at`, and said so in `answer`."""

    request_id: str
    reader_id: str | None
    email: str
    asked: str
    words: str
    received_at: datetime
    settled_at: datetime
    by: str
    what: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffSettledPage:
    """Requests that are answered or closed, the newest first: all, or those of a `kind`. `kinds` and `more` as for those that
    wait."""

    template: ClassVar[str] = "staff/requests_settled.html"
    rows: tuple[SettledRow, ...]
    kind: str | None = None
    kinds: tuple[tuple[str, str], ...] = ()
    more: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """What a member did with a request besides answering it, for the other members."""

    at: datetime
    by: str
    what: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestPage:
    """One request, its thread, and what members did with it. An act may have settled it at `closed_at`, or nothing yet.

    `holder_id`: the member who has it. `kinds`: what it may be said to be about, as (value, words). `answer_goes`: where an answer
    goes, in words; `nobody_reads`: why nobody would read one. `answers`: those to choose from, as (id, title)."""

    template: ClassVar[str] = "staff/request.html"
    row: RequestRow
    messages: tuple[ThreadMessage, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_act: str | None = None
    steps: tuple[StepRow, ...] = ()
    is_mine: bool = False
    holder_id: str = ""
    kind: str = ""
    kinds: tuple[tuple[str, str], ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    may_close: bool = False
    answer_goes: str = ""
    nobody_reads: str = ""
    draft: str = ""
    note: str = ""
    closing: str = ""
    error: str | None = None
