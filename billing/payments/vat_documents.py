"""A month's documents for the VAT return: tax invoices, and credit notes with negative amounts."""

from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from billing.payments import corrections
from billing.payments.corrections import InvoiceCorrection
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
    found = [
        *_tax_invoices(ctx, first_day, end),
        *_corrections(ctx, first_day, end),
        *_credit_notes(ctx, first_day, end),
    ]
    return sorted(found, key=attrgetter("issued_on", "is_credit", "number"), reverse=True)


def _tax_invoices(ctx: TransactionContext, first_day: date, end: date) -> list[VatDocument]:
    """Those that payments made, as they were issued: a correction later is a document of its own month."""
    rows = ctx.session.exec(
        select(Invoice).where(col(Invoice.issued_on) >= first_day, col(Invoice.issued_on) < end)
    ).all()
    corrected = corrections.of_invoices(ctx.session, [row.id for row in rows])
    issued = [(row, corrections.issued(row, corrected.get(row.id, []))[0]) for row in rows]
    named = corrections.particulars_of(ctx.session, [first for _, first in issued])
    return [
        VatDocument(
            number=first.number,
            is_credit=False,
            of_invoice=first.number,
            issued_on=first.issued_on,
            reader_id=row.reader_id,
            description=row.description,
            net=first.net,
            vat=first.vat,
            gross=first.gross,
            buyer=named[first.number].name if first.number in named else None,
        )
        for row, first in issued
    ]


def _corrections(ctx: TransactionContext, first_day: date, end: date) -> list[VatDocument]:
    """The credit note and the new tax invoice of each correction: their sum is 0."""
    old, new = aliased(InvoiceRecipient), aliased(InvoiceRecipient)
    rows = ctx.session.exec(
        select(InvoiceCorrection, Invoice.description, old.name, new.name)
        .join(Invoice, col(Invoice.id) == InvoiceCorrection.invoice_id)
        .join(old, col(old.id) == InvoiceCorrection.replaced_recipient_id, isouter=True)
        .join(new, col(new.id) == InvoiceCorrection.recipient_id)
        .where(col(InvoiceCorrection.issued_on) >= first_day, col(InvoiceCorrection.issued_on) < end)
    )
    found = []
    for row, description, old_name, new_name in rows:
        invoice = VatDocument(
            number=row.number,
            is_credit=False,
            of_invoice=row.number,
            issued_on=row.issued_on,
            reader_id=row.reader_id,
            description=description,
            net=row.net,
            vat=row.vat,
            gross=row.gross,
            buyer=new_name,
        )
        credit = replace(
            invoice,
            number=row.credit_note_number,
            is_credit=True,
            of_invoice=row.replaced_number,
            description=corrections.in_words(row),
            net=-row.net,
            vat=-row.vat,
            gross=-row.gross,
            buyer=old_name,
        )
        found += [invoice, credit]
    return found


def _credit_notes(ctx: TransactionContext, first_day: date, end: date) -> list[VatDocument]:
    rows = ctx.session.exec(
        select(Refund, Invoice, Payment.duplicate)
        .join(Payment, col(Payment.id) == Refund.payment_id)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .where(
            col(Refund.credit_note_number).is_not(None),
            col(Refund.settled_at) >= start_of_day(first_day, ctx.zone),
            col(Refund.settled_at) < start_of_day(end, ctx.zone),
        )
    ).all()
    corrected = corrections.of_invoices(ctx.session, {invoice.id for _, invoice, _ in rows})
    credited = [
        (
            row,
            duplicate,
            corrections.credited_by(
                corrections.issued(invoice, corrected.get(invoice.id, [])), row.credit_note_number or 0
            ),
        )
        for row, invoice, duplicate in rows
    ]
    named = corrections.particulars_of(ctx.session, [invoice for _, _, invoice in credited])
    return [
        VatDocument(
            number=refund.credit_note_number,
            is_credit=True,
            of_invoice=invoice.number,
            issued_on=ctx.site.today(refund.settled_at),
            reader_id=refund.reader_id,
            description=refund.reason,
            net=0 if duplicate else -refund.net,
            vat=0 if duplicate else -refund.vat,
            gross=0 if duplicate else -refund.amount,
            buyer=named[invoice.number].name if invoice.number in named else None,
        )
        for refund, duplicate, invoice in credited
        if refund.credit_note_number is not None and refund.settled_at is not None
    ]
