"""To whom a tax invoice is made out: required above R5 000, and printed below it for readers who want it (VAT-6)."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from billing.payments.models import Invoice
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.rules.tax import is_vat_number

MOST = 200
"""Characters of a name, and of an address."""


class InvoiceRecipient(SQLModel, table=True):
    """What a reader entered for one tax invoice and those after it. Rows are only added: a correction keeps both (VAT-8)."""

    __tablename__ = "invoice_recipient"
    __table_args__ = (sa.Index("invoice_recipient_of_reader", "reader_id", "entered_at"),)

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    invoice_id: str = Field(foreign_key="invoice.id")
    name: str
    address: str
    vat_number: str | None = None
    """Of a recipient who is a vendor."""
    entered_at: datetime


class NameAndAddressNeeded(Invalid):
    """A tax invoice is made out to a name and an address."""

    code = "name_and_address_needed"


class NotAVatNumber(Invalid):
    """A South African VAT number has ten digits and begins with 4."""

    code = "not_a_vat_number"


def enter(ctx: TransactionContext, invoice: Invoice, name: str, address: str, vat_number: str) -> None:
    """Make this invoice out to them, and those paid from now on. Raises NameAndAddressNeeded, NotAVatNumber."""
    name, address, vat_number = (" ".join(typed.split()) for typed in (name, address, vat_number))
    vat_number = vat_number.replace(" ", "")
    if not name or not address or max(len(name), len(address)) > MOST:
        raise NameAndAddressNeeded
    if vat_number and not is_vat_number(vat_number):
        raise NotAVatNumber
    ctx.session.add(
        InvoiceRecipient(
            id=ids.new("rcp", ctx.at),
            reader_id=invoice.reader_id,
            invoice_id=invoice.id,
            name=name,
            address=address,
            vat_number=vat_number or None,
            entered_at=ctx.at,
        )
    )


def of_invoices(session: Session, invoice_ids: Collection[str]) -> dict[str, InvoiceRecipient]:
    """By invoice: the last entry for it, or else the last one for an earlier invoice before it was paid."""
    own = col(InvoiceRecipient.invoice_id) == col(Invoice.id)
    rows = session.exec(
        select(Invoice.id, InvoiceRecipient)
        .join(InvoiceRecipient, col(InvoiceRecipient.reader_id) == col(Invoice.reader_id))
        .where(
            col(Invoice.id).in_(invoice_ids),
            own | (col(InvoiceRecipient.entered_at) <= col(Invoice.paid_at)),
        )
        .order_by(own, col(InvoiceRecipient.entered_at), col(InvoiceRecipient.id))
    )
    return dict(rows.all())  # of several rows for one invoice the last stays, so the order above decides


def of_invoice(session: Session, invoice: Invoice) -> InvoiceRecipient | None:
    """The recipient of one invoice, if any was entered."""
    return of_invoices(session, [invoice.id]).get(invoice.id)
