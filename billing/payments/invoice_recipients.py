"""To whom a tax invoice is made out: required above R5 000, and printed below it for readers who want it (VAT-6)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, select

from billing.payments.models import Invoice
from billing.platform import bulk, ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.storable import storable
from billing.rules.tax import is_vat_number

MOST = 200
"""Characters of a name, and of an address."""
MOST_LINES = 6
"""Lines of an address."""
MOST_TYPED = 20
"""Characters of a VAT number as it is typed, with spaces."""


class InvoiceRecipient(SQLModel, table=True):
    """A version of a reader's invoice details. Rows are only added, and an invoice names the one it was issued with, so it never
    changes. A row without a name is the moment at which the reader removed them."""

    __tablename__ = "invoice_recipient"
    __table_args__ = (
        sa.Index("invoice_recipient_of_reader", "reader_id", "entered_at", "id"),
        sa.Index("invoice_recipient_name_parts", sa.text("trigrams(name)"), postgresql_using="gin"),
        sa.CheckConstraint("(name IS NULL) = (address IS NULL)", name="name_and_address"),
        sa.CheckConstraint("vat_number IS NULL OR name IS NOT NULL", name="vat_number_of_somebody"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    name: str | None = None
    """A full name, or a company's."""
    address: str | None = None
    """Postal; a line each, parted by line breaks."""
    vat_number: str | None = None
    """Of a recipient who is a vendor."""
    entered_at: datetime

    @property
    def particulars(self) -> "Particulars | None":
        """As a value; None where they were removed."""
        if self.name is None or self.address is None:
            return None
        return Particulars(self.name, self.address, self.vat_number)


class NameAndAddressNeeded(Invalid):
    """A tax invoice is made out to a name and an address."""

    code = "name_and_address_needed"


class TooManyLines(Invalid):
    """An address has at most six lines."""

    code = "too_many_lines"


class UnreadableDetails(Invalid):
    """Something in it can't be read. Please type it again."""

    code = "unreadable"


class NotAVatNumber(Invalid):
    """A South African VAT number has ten digits and begins with 4."""

    code = "not_a_vat_number"


@dataclass(frozen=True, slots=True)
class Particulars:
    """Name, postal address and VAT number of the buyer, as a tax invoice has them."""

    name: str
    address: str
    vat_number: str | None = None

    @property
    def in_one_line(self) -> str:
        """The address, its lines parted by commas."""
        return ", ".join(line.rstrip(",") for line in self.address.split("\n"))


def read(name: str, address: str, vat_number: str) -> Particulars:
    """What was typed into a form. Raises NameAndAddressNeeded, TooManyLines, NotAVatNumber,
    UnreadableDetails."""
    if not storable([name, address, vat_number]):
        raise UnreadableDetails
    name = " ".join(name.split())
    lines = [line for typed in address.splitlines() if (line := " ".join(typed.split()))]
    address = "\n".join(lines)
    if not name or not lines or max(len(name), len(address)) > MOST:
        raise NameAndAddressNeeded
    if len(lines) > MOST_LINES:
        raise TooManyLines
    vat_number = "".join(vat_number.split())
    if vat_number and not is_vat_number(vat_number):
        raise NotAVatNumber
    return Particulars(name, address, vat_number or None)


def enter(ctx: TransactionContext, reader_id: str, particulars: Particulars | None) -> str | None:
    """Put them on the tax invoices that are issued from now on; None: on none. The id of the version, None where there are none."""
    now = _newest(ctx.session, reader_id)
    if (now.particulars if now else None) != particulars:
        values = (
            {name: getattr(particulars, name) for name in ("name", "address", "vat_number")}
            if particulars
            else {}
        )
        now = InvoiceRecipient(id=ids.new("rcp", ctx.at), reader_id=reader_id, entered_at=ctx.at, **values)
        ctx.session.add(now)
        ctx.session.flush()
    return now.id if now and particulars else None


def _newest(session: Session, reader_id: str) -> InvoiceRecipient | None:
    return session.exec(
        select(InvoiceRecipient)
        .where(InvoiceRecipient.reader_id == reader_id)
        .order_by(col(InvoiceRecipient.entered_at).desc(), col(InvoiceRecipient.id).desc())
        .limit(1)
    ).first()


def of_reader(session: Session, reader_id: str) -> Particulars | None:
    """The reader's invoice details now."""
    found = _newest(session, reader_id)
    return found.particulars if found else None


# `name IS NOT NULL` comes after LIMIT 1. Inside, it would find the version before the one that removed the details.
_IN_FORCE = sa.text(
    "SELECT r.id AS reader_id, v.id AS version FROM unnest(CAST(:readers AS text[])) AS r (id) CROSS JOIN LATERAL (SELECT id, name FROM invoice_recipient"
    " WHERE reader_id = r.id ORDER BY entered_at DESC, id DESC LIMIT 1) v WHERE v.name IS NOT NULL"
)


def versions_of(session: Session, reader_ids: Collection[str]) -> dict[str, str]:
    """The version in force of each reader who has details, by reader."""
    found = session.execute(_IN_FORCE, {"readers": list(reader_ids)})
    return {row.reader_id: row.version for row in found}


def of_invoices(session: Session, invoices: Collection[Invoice]) -> dict[str, Particulars]:
    """The particulars on each invoice that has some, by invoice."""
    named = by_ids(
        session, {invoice.recipient_id for invoice in invoices if invoice.recipient_id is not None}
    )
    return {invoice.id: named[invoice.recipient_id] for invoice in invoices if invoice.recipient_id in named}


def by_ids(session: Session, versions: Collection[str]) -> dict[str, Particulars]:
    """The particulars of these versions, by id."""
    rows = bulk.load(session, InvoiceRecipient, versions) if versions else {}
    return {row.id: particulars for row in rows.values() if (particulars := row.particulars)}


def of_invoice(session: Session, invoice: Invoice) -> Particulars | None:
    """The particulars on one invoice."""
    return of_invoices(session, [invoice]).get(invoice.id)
