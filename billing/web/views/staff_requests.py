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
    waits_since: datetime | None = None
    may_ask: bool = False
    charged_since: Money | None = None
    next_charge: Money | None = None
    next_at: datetime | None = None
    withdrawal: Money | None = None
    earlier: tuple[EarlierWithdrawal, ...] = ()
    stands: Literal["runs", "cancelled", "ended"] = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestsPage:
    """Requests that wait for an answer, the longest wait first, with the rand at risk."""

    template: ClassVar[str] = "staff/requests.html"
    rows: tuple[RequestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRequestPage:
    """One request and its thread. An act may have settled it at `closed_at`, or nothing yet."""

    template: ClassVar[str] = "staff/request.html"
    row: RequestRow
    messages: tuple[ThreadMessage, ...] = ()
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_act: str | None = None
    draft: str = ""
    error: str | None = None
