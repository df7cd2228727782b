"""The audit and a month's tax invoices."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money


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
    """`acts` are (act, in words); `older` and `csv` are the addresses of the next page and of the export."""

    template: ClassVar[str] = "staff/audit.html"
    rows: tuple[AuditRow, ...]
    acts: tuple[tuple[str, str], ...]
    words: str
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
class DocumentRow:
    """A tax invoice, or a credit note with amounts below zero."""

    number: str
    issued_on: date
    reader_id: str
    description: str
    net: Money
    vat: Money
    gross: Money
    buyer: str | None = None


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
