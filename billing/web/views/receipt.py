"""A reader's tax invoices, and the details that are on them."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.payments.invoice_recipients import MOST, MOST_TYPED, Particulars
from billing.rules.money import Money
from billing.web.views.frame import Card
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteRow:
    number: str
    of_invoice: str
    issued_on: date
    net: Money
    vat: Money
    gross: Money
    reason: Text


@dataclass(frozen=True, slots=True)
class ReplacedInvoiceRow:
    """A tax invoice whose place the one on the page takes."""

    number: str
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPage:
    """A copy of the tax invoice in force. `period_to` is its last day; `vat_percent` is text such as "15". `needs_recipient`: the law
    wants one. `supplied_on`: the date of supply, where `replaced` has invoices that it replaces.

    `details` are the reader's, where a press on `action` may put them on it; `may_name`: there are none yet, and they could be."""

    template: ClassVar[str] = "receipt.html"
    number: str
    issued_on: date
    supplied_on: date | None = None
    reader_email: str
    description: Text
    period_from: date
    period_to: date
    net: Money
    vat: Money
    gross: Money
    vat_percent: str
    paid_on: date
    card: Card
    action: str
    recipient: Particulars | None = None
    needs_recipient: bool = False
    details: Particulars | None = None
    may_name: bool = False
    file: str | None
    """Its address as a PDF. None where the printer of PDFs isn't installed."""
    credit_notes: tuple[CreditNoteRow, ...] = ()
    replaced: tuple[ReplacedInvoiceRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDetailsPage:
    """The form with what tax invoices from now on have of the buyer. `kept`: there are some, so that they can be removed. `error` is
    what was wrong with what was typed."""

    template: ClassVar[str] = "invoice_details.html"
    most: ClassVar[int] = MOST
    most_typed: ClassVar[int] = MOST_TYPED
    name: str = ""
    address: str = ""
    vat_number: str = ""
    kept: bool = False
    error: Text | None = None
