"""A month's documents for the VAT return: tax invoices, and credit notes with negative amounts."""

from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from sqlmodel import col, select

from billing.payments.invoice_recipients import InvoiceRecipient
from billing.payments.models import Invoice, Payment, Refund
from billing.platform.context import TransactionContext
from billing.rules.periods import add_months, start_of_day


@dataclass(frozen=True, slots=True)
class VatDocument:
    """A tax invoice, or a credit note for `of_invoice`. Amounts are cents of the supply: 0 for the refund of a duplicate payment,
    which reduces no supply."""

    number: int
    is_credit: bool
    of_invoice: int
    issued_on: date
    reader_id: str
    description: str
    net: int
    vat: int
    gross: int
    buyer: str | None = None
    """The name on it; None where it names nobody."""


def of_month(ctx: TransactionContext, first_day: date) -> list[VatDocument]:
    """The documents of the civil month that begins on `first_day`, newest first."""
    end = add_months(first_day, 1)
    invoices = ctx.session.exec(
        select(Invoice, InvoiceRecipient.name)
        .join(InvoiceRecipient, col(InvoiceRecipient.id) == Invoice.recipient_id, isouter=True)
        .where(col(Invoice.issued_on) >= first_day, col(Invoice.issued_on) < end)
    )
    found = [
        VatDocument(
            number=row.number,
            is_credit=False,
            of_invoice=row.number,
            issued_on=row.issued_on,
            reader_id=row.reader_id,
            description=row.description,
            net=row.net,
            vat=row.vat,
            gross=row.gross,
            buyer=buyer,
        )
        for row, buyer in invoices
        if row.number is not None and row.issued_on is not None
    ]
    found += _credit_notes(ctx, first_day, end)
    return sorted(found, key=attrgetter("issued_on", "is_credit", "number"), reverse=True)


def _credit_notes(ctx: TransactionContext, first_day: date, end: date) -> list[VatDocument]:
    rows = ctx.session.exec(
        select(Refund, Invoice, Payment.duplicate, InvoiceRecipient.name)
        .join(Payment, col(Payment.id) == Refund.payment_id)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .join(InvoiceRecipient, col(InvoiceRecipient.id) == Invoice.recipient_id, isouter=True)
        .where(
            col(Refund.credit_note_number).is_not(None),
            col(Refund.settled_at) >= start_of_day(first_day, ctx.zone),
            col(Refund.settled_at) < start_of_day(end, ctx.zone),
        )
    )
    return [
        VatDocument(
            number=refund.credit_note_number,
            is_credit=True,
            of_invoice=invoice.number or 0,
            issued_on=ctx.site.today(refund.settled_at),
            reader_id=refund.reader_id,
            description=refund.reason,
            net=0 if duplicate else -refund.net,
            vat=0 if duplicate else -refund.vat,
            gross=0 if duplicate else -refund.amount,
            buyer=buyer,
        )
        for refund, invoice, duplicate, buyer in rows
        if refund.credit_note_number is not None and refund.settled_at is not None
    ]
