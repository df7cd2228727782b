"""The list of tax invoices, and that of credit notes: the newest first."""

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import col

from billing.payments import corrections, numbers
from billing.payments.invoice_recipients import InvoiceRecipient
from billing.payments.models import Invoice
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.rules.worded import WordedEnum
from billing.staff.lists import listing, span
from billing.staff.lists.fields import Amounts, AmountsField, ChoiceField, Days, DaysField, Field, Filter
from billing.staff.lists.listing import Listing, Order


class TaxDocumentKind(WordedEnum):
    """Which documents to list; each kind has its own series of numbers."""

    INVOICES = "invoices", "tax invoices"
    CREDIT_NOTES = "credit_notes", "credit notes"


@dataclass(frozen=True, slots=True)
class DocumentFilter(Filter):
    """Which documents to list; tax invoices unless credit notes are asked for. Amounts are those printed, above zero."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        ChoiceField("kind", "Documents", TaxDocumentKind),
        DaysField("since", "Issued"),
        AmountsField("amount", "Amount"),
    )
    kind: TaxDocumentKind | None = None
    since: Days | None = None
    amount: Amounts | None = None


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A tax invoice, or a credit note with amounts below zero: 0 for the refund of a second payment, which takes back no supply.

    `of_invoice`: what a credit note takes back. `buyer`: the name on it; None where it names nobody."""

    number: str
    issued_on: date
    of_invoice: str | None
    reader_id: str
    email: str
    description: str
    net: Money
    vat: Money
    gross: Money
    buyer: str | None
    vat_basis_points: int


@dataclass(frozen=True, slots=True)
class DocumentSums:
    """What some documents come to."""

    net: Money
    vat: Money
    gross: Money


# A correction credits a tax invoice and issues another under the next number; `invoice.number` is the one in force. Each part is
# read in its own order and cut there: no index has the order of all three.
_INVOICES = (
    """
    SELECT i.number AS number, i.issued_on AS place, i.issued_on AS issued_on, i.id AS invoice_id, i.net AS net, i.vat AS vat,
        i.gross AS gross, i.gross AS printed, i.recipient_id AS recipient_id, CAST(NULL AS integer) AS of_invoice, '' AS reason,
        CAST(NULL AS integer) AS replaced_by
    FROM invoice i WHERE i.number IS NOT NULL AND NOT EXISTS (SELECT FROM invoice_correction c WHERE c.invoice_id = i.id)
    """,
    """
    SELECT c.replaced_number AS number, i.issued_on AS place, i.issued_on AS issued_on, i.id AS invoice_id, i.net AS net, i.vat AS vat,
        i.gross AS gross, i.gross AS printed, c.replaced_recipient_id AS recipient_id, CAST(NULL AS integer) AS of_invoice, '' AS reason,
        CAST(NULL AS integer) AS replaced_by
    FROM invoice_correction c JOIN invoice i ON i.id = c.invoice_id
    WHERE NOT EXISTS (SELECT FROM invoice_correction e WHERE e.number = c.replaced_number)
    """,
    """
    SELECT c.number AS number, c.issued_on AS place, c.issued_on AS issued_on, c.invoice_id AS invoice_id, c.net AS net, c.vat AS vat,
        c.gross AS gross, c.gross AS printed, c.recipient_id AS recipient_id, CAST(NULL AS integer) AS of_invoice, '' AS reason,
        CAST(NULL AS integer) AS replaced_by
    FROM invoice_correction c
    """,
)
# A refund takes back the tax invoice that was in force then: the one that the next correction replaced, if there is one.
_OF_REFUNDS = """
    SELECT r.credit_note_number AS number, r.settled_at AS place, CAST(r.settled_at AT TIME ZONE :zone AS date) AS issued_on,
        p.invoice_id AS invoice_id, {amounts}, CASE WHEN n.id IS NULL THEN i.recipient_id ELSE n.replaced_recipient_id END AS recipient_id,
        coalesce(n.replaced_number, i.number) AS of_invoice, r.reason AS reason, CAST(NULL AS integer) AS replaced_by
    FROM refund r JOIN payment p ON p.id = r.payment_id JOIN invoice i ON i.id = p.invoice_id
    LEFT JOIN LATERAL (
        SELECT c.id, c.replaced_number, c.replaced_recipient_id FROM invoice_correction c
        WHERE c.invoice_id = i.id AND c.credit_note_number > r.credit_note_number ORDER BY c.credit_note_number LIMIT 1) n ON true
    WHERE r.credit_note_number IS NOT NULL AND {which}
    """
# Refunds of second payments print 0. In a part of their own, so that in each part `printed` is one column or a constant: the planner
# knows how many amounts are in a range, and finds few of them by their index. It knows nothing of a CASE.
_CREDIT_NOTES = (
    _OF_REFUNDS.format(
        amounts="-r.net AS net, -r.vat AS vat, -r.amount AS gross, r.amount AS printed",
        which="NOT p.duplicate",
    ),
    _OF_REFUNDS.format(amounts="0 AS net, 0 AS vat, 0 AS gross, 0 AS printed", which="p.duplicate"),
    """
    SELECT c.credit_note_number AS number, c.made_at AS place, c.issued_on AS issued_on,
        c.invoice_id AS invoice_id, -c.net AS net, -c.vat AS vat, -c.gross AS gross, c.gross AS printed, c.replaced_recipient_id AS recipient_id,
        c.replaced_number AS of_invoice, '' AS reason, c.number AS replaced_by
    FROM invoice_correction c
    """,
)
_COLUMNS = {
    **dict.fromkeys(("number", "net", "vat", "gross", "printed", "of_invoice", "replaced_by"), sa.Integer),
    **dict.fromkeys(("invoice_id", "recipient_id", "reason"), sa.Text),
    "issued_on": sa.Date,
}
_SUMS = ("net", "vat", "gross")


def of_documents(ctx: TransactionContext, wanted: DocumentFilter) -> Listing[DocumentRow]:
    """Documents that fit."""
    first, *others = (_part(found, wanted, ctx) for found in _documents(ctx, wanted))
    return Listing(*first, _whole, _row, others=tuple(others))


def sums(ctx: TransactionContext, wanted: DocumentFilter) -> DocumentSums:
    """What all that fit come to. Reads every one of them."""
    every = sa.union_all(
        *(
            sa.select(*(found.c[name] for name in _SUMS)).where(*_conditions(found, wanted, ctx))
            for found in _documents(ctx, wanted)
        )
    ).subquery()
    row = ctx.session.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(every.c[name]), 0) for name in _SUMS))
    ).one()
    return DocumentSums(*(Money(int(cents)) for cents in row))


def _is_credit(wanted: DocumentFilter) -> bool:
    return wanted.kind is TaxDocumentKind.CREDIT_NOTES


def _documents(ctx: TransactionContext, wanted: DocumentFilter) -> list[sa.Subquery]:
    """All of the kind, in parts."""
    if _is_credit(wanted):
        of_sales, of_second_payments, of_corrections = map(sa.text, _CREDIT_NOTES)
        in_zone = [part.bindparams(zone=ctx.zone.key) for part in (of_sales, of_second_payments)]
        parts = [*in_zone, of_corrections]
    else:
        parts = [sa.text(part) for part in _INVOICES]
    place = sa.DateTime(timezone=True) if _is_credit(wanted) else sa.Date()
    return [part.columns(**_COLUMNS, place=place).subquery(f"document_{n}") for n, part in enumerate(parts)]


def _part(
    found: sa.Subquery, wanted: DocumentFilter, ctx: TransactionContext
) -> tuple[sa.Select[*tuple[Any, ...]], Order]:
    """Those of a part that fit, and their order: by day, and credit notes, whose day isn't in an index, by moment."""
    read = listing.moment if _is_credit(wanted) else listing.civil_day
    order = Order(found.c.number, place=found.c.place, read=read, read_id=listing.number)
    columns = (found.c[name] for name in _COLUMNS if name != "number")
    return sa.select(*order.columns, *columns).where(*_conditions(found, wanted, ctx)), order


def _conditions(found: sa.Subquery, wanted: DocumentFilter, ctx: TransactionContext) -> span.Conditions:
    days = (
        span.moments(found.c.place, wanted.since, ctx.zone)
        if _is_credit(wanted)
        else span.civil_days(found.c.place, wanted.since)
    )
    return [*days, *span.cents(found.c.printed, wanted.amount)]


def _whole(listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            *listed.c,
            col(Invoice.reader_id),
            col(Invoice.vat_basis_points),
            col(Invoice.description),
            col(Reader.email),
            col(InvoiceRecipient.name).label("buyer"),
        )
        .select_from(listed)
        .join(Invoice, col(Invoice.id) == listed.c.invoice_id)
        .join(Reader, col(Reader.id) == col(Invoice.reader_id))
        .outerjoin(InvoiceRecipient, col(InvoiceRecipient.id) == listed.c.recipient_id)
    )


def _row(row: Any) -> DocumentRow:
    is_credit = row.of_invoice is not None
    return DocumentRow(
        number=numbers.credit_note_number(row.id) if is_credit else numbers.invoice_number(row.id),
        issued_on=row.issued_on,
        of_invoice=numbers.invoice_number(row.of_invoice) if is_credit else None,
        reader_id=row.reader_id,
        email=row.email,
        description=_description(row) if is_credit else row.description,
        net=Money(row.net),
        vat=Money(row.vat),
        gross=Money(row.gross),
        buyer=row.buyer,
        vat_basis_points=row.vat_basis_points,
    )


def _description(note: Any) -> str:
    """Why a credit note was issued."""
    return corrections.replaced_by(note.replaced_by) if note.replaced_by else str(note.reason)
