"""Tax invoices that another one has replaced, because the buyer's details were wrong or missing (VAT-8). Both are kept.

A payment has one tax invoice in force: `Invoice.number` is its number. A correction credits its whole value and issues it again
under the next number, in one transaction. No money moves."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from billing.payments import invoice_recipients, numbers
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Invoice
from billing.payments.refund_models import Refund
from billing.platform import bulk
from billing.platform.actors import ActedBy
from emails.languages import Text, say


class InvoiceCorrection(ActedBy, table=True):
    """A tax invoice credited in full and issued again for the same supply. Rows are only added.

    Credit notes share one series, so their numbers say which came before a correction and which after."""

    __tablename__ = "invoice_correction"
    __table_args__ = (
        sa.CheckConstraint("net + vat = gross AND gross > 0", name="adds_up"),
        sa.CheckConstraint("number > replaced_number", name="later_number"),
    )

    id: str = Field(primary_key=True)
    invoice_id: str = Field(foreign_key="invoice.id", index=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    replaced_number: int = Field(unique=True)
    replaced_recipient_id: str | None = Field(default=None, foreign_key="invoice_recipient.id")
    credit_note_number: int = Field(unique=True)
    number: int = Field(unique=True)
    """Of the tax invoice that takes its place."""
    recipient_id: str = Field(foreign_key="invoice_recipient.id")
    gross: int
    """Cents of the credit note and of the new tax invoice: what earlier credit notes had left of the old one."""
    net: int
    vat: int
    reason: str
    issued_on: date = Field(index=True)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedInvoice:
    """A tax invoice as it was issued. `supplied_on`: the time of supply, which a correction leaves as it is. `replaced_by`: the
    correction that credited it, None while it is in force."""

    number: int
    issued_on: date
    supplied_on: date
    net: int
    vat: int
    gross: int
    recipient_id: str | None
    replaces: int | None = None
    replaced_by: InvoiceCorrection | None = None


@dataclass(frozen=True, slots=True)
class InvoiceHistory:
    """All tax invoices of a payment, oldest first, and whom they name, by number."""

    issued: Sequence[IssuedInvoice]
    named: Mapping[int, Particulars]


def of_invoices(session: Session, invoice_ids: Collection[str]) -> dict[str, list[InvoiceCorrection]]:
    """The corrections of each invoice that has some, oldest first."""
    found: defaultdict[str, list[InvoiceCorrection]] = defaultdict(list)
    rows = select(InvoiceCorrection).where(bulk.one_of(InvoiceCorrection.invoice_id, invoice_ids))
    for row in session.exec(rows.order_by(col(InvoiceCorrection.number))):
        found[row.invoice_id].append(row)
    return dict(found)


def issued(invoice: Invoice, corrections: Sequence[InvoiceCorrection]) -> list[IssuedInvoice]:
    """All tax invoices of a paid invoice, oldest first; the last is in force. `corrections`: all of them, oldest first."""
    first, supplied_on = corrections[0] if corrections else None, invoice.issued_on or invoice.period_start_on
    found = [
        IssuedInvoice(
            number=first.replaced_number if first else invoice.number or 0,
            issued_on=supplied_on,
            supplied_on=supplied_on,
            net=invoice.net,
            vat=invoice.vat,
            gross=invoice.gross,
            recipient_id=first.replaced_recipient_id if first else invoice.recipient_id,
            replaced_by=first,
        )
    ]
    for row, after in zip_longest(corrections, corrections[1:]):
        found.append(
            IssuedInvoice(
                number=row.number,
                issued_on=row.issued_on,
                supplied_on=supplied_on,
                net=row.net,
                vat=row.vat,
                gross=row.gross,
                recipient_id=row.recipient_id,
                replaces=row.replaced_number,
                replaced_by=after,
            )
        )
    return found


def of_invoice(session: Session, invoice: Invoice) -> list[IssuedInvoice]:
    """All tax invoices of a paid invoice, oldest first; the last is in force."""
    return issued(invoice, of_invoices(session, [invoice.id]).get(invoice.id, []))


def history_of(session: Session, invoice: Invoice) -> InvoiceHistory:
    """All tax invoices of a paid invoice, with their particulars."""
    found = of_invoice(session, invoice)
    return InvoiceHistory(found, particulars_of(session, found))


def credited_by(issued_invoices: Sequence[IssuedInvoice], credit_note_number: int) -> IssuedInvoice:
    """The tax invoice that a refund's credit note takes back: the one that was in force then."""
    return next(
        each
        for each in issued_invoices
        if each.replaced_by is None or each.replaced_by.credit_note_number > credit_note_number
    )


def notes_on(
    issued_invoices: Sequence[IssuedInvoice], refunds: Sequence[Refund], invoice: IssuedInvoice
) -> list[Refund]:
    """The refunds whose credit notes take back that tax invoice."""
    return [
        row
        for row in refunds
        if row.credit_note_number is not None
        and credited_by(issued_invoices, row.credit_note_number) is invoice
    ]


def particulars_of(session: Session, issued_invoices: Sequence[IssuedInvoice]) -> dict[int, Particulars]:
    """The buyer's particulars on each that has some, by its number."""
    wanted = {each.recipient_id for each in issued_invoices if each.recipient_id is not None}
    known = invoice_recipients.by_ids(session, wanted)
    return {each.number: known[each.recipient_id] for each in issued_invoices if each.recipient_id in known}


def in_words(row: InvoiceCorrection) -> Text:
    """The reason on its credit note."""
    return replaced_by(row.number)


def replaced_by(number: int) -> Text:
    """The same, of the tax invoice with this number that took its place."""
    text = numbers.invoice_number(number)
    return say("Replaced by tax invoice %(number)s: the buyer’s details", number=text)
