"""The list of tax invoices, and that of credit notes: each in the order of its numbers, the newest first."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import col

from billing.payments import corrections, numbers
from billing.payments.invoice_recipients import InvoiceRecipient
from billing.payments.models import Invoice
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.rules.periods import start_of_day
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


# A correction credits a tax invoice and issues another under the next number; `invoice.number` is the one in force.
_INVOICES = """
    SELECT i.number AS number, i.issued_on AS issued_on, i.id AS invoice_id, i.net AS net, i.vat AS vat, i.gross AS gross,
        i.recipient_id AS recipient_id, CAST(NULL AS integer) AS of_invoice, i.description AS reason, CAST(NULL AS integer) AS replaced_by
    FROM invoice i WHERE i.number IS NOT NULL AND NOT EXISTS (SELECT FROM invoice_correction c WHERE c.invoice_id = i.id)
    UNION ALL
    SELECT c.replaced_number, i.issued_on, i.id, i.net, i.vat, i.gross, c.replaced_recipient_id, NULL, i.description, NULL
    FROM invoice_correction c JOIN invoice i ON i.id = c.invoice_id
    WHERE NOT EXISTS (SELECT FROM invoice_correction e WHERE e.number = c.replaced_number)
    UNION ALL
    SELECT c.number, c.issued_on, c.invoice_id, c.net, c.vat, c.gross, c.recipient_id, NULL, i.description, NULL
    FROM invoice_correction c JOIN invoice i ON i.id = c.invoice_id
"""
# A refund takes back the tax invoice that was in force then: the one that the next correction replaced, if there is one.
_CREDIT_NOTES = """
    SELECT r.credit_note_number AS number, CAST(r.settled_at AT TIME ZONE :zone AS date) AS issued_on, p.invoice_id AS invoice_id,
        CASE WHEN p.duplicate THEN 0 ELSE -r.net END AS net, CASE WHEN p.duplicate THEN 0 ELSE -r.vat END AS vat,
        CASE WHEN p.duplicate THEN 0 ELSE -r.amount END AS gross,
        CASE WHEN n.id IS NULL THEN i.recipient_id ELSE n.replaced_recipient_id END AS recipient_id,
        coalesce(n.replaced_number, i.number) AS of_invoice, r.reason AS reason, CAST(NULL AS integer) AS replaced_by
    FROM refund r JOIN payment p ON p.id = r.payment_id JOIN invoice i ON i.id = p.invoice_id
    LEFT JOIN LATERAL (
        SELECT c.id, c.replaced_number, c.replaced_recipient_id FROM invoice_correction c
        WHERE c.invoice_id = i.id AND c.credit_note_number > r.credit_note_number ORDER BY c.credit_note_number LIMIT 1) n ON true
    WHERE r.credit_note_number IS NOT NULL AND r.settled_at >= :first AND r.settled_at < :end
    UNION ALL
    SELECT c.credit_note_number, c.issued_on, c.invoice_id, -c.net, -c.vat, -c.gross, c.replaced_recipient_id,
        c.replaced_number, '', c.number
    FROM invoice_correction c
"""
_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_COLUMNS = {
    **dict.fromkeys(("number", "net", "vat", "gross", "of_invoice", "replaced_by"), sa.Integer),
    **dict.fromkeys(("invoice_id", "recipient_id", "reason"), sa.Text),
    "issued_on": sa.Date,
}


def of_documents(ctx: TransactionContext, wanted: DocumentFilter) -> Listing[DocumentRow]:
    """Documents that fit."""
    found = _documents(ctx, wanted)
    if wanted.kind is TaxDocumentKind.CREDIT_NOTES:
        order = Order(found.c.number, read_id=listing.number)
    else:
        order = Order(found.c.number, place=found.c.issued_on, read=listing.civil_day, read_id=listing.number)
    fits = sa.select(*order.columns).where(*_conditions(found, wanted))
    return Listing(fits, order, partial(_whole, _documents(ctx, wanted)), _row)


def sums(ctx: TransactionContext, wanted: DocumentFilter) -> DocumentSums:
    """What all that fit come to. Reads every one of them."""
    found = _documents(ctx, wanted)
    columns = (sa.func.coalesce(sa.func.sum(found.c[name]), 0) for name in ("net", "vat", "gross"))
    row = ctx.session.execute(sa.select(*columns).where(*_conditions(found, wanted))).one()
    return DocumentSums(*(Money(int(cents)) for cents in row))


def _documents(ctx: TransactionContext, wanted: DocumentFilter) -> sa.Subquery:
    """All of the kind; credit notes of refunds of the asked days alone, as their day isn't in an index."""
    if wanted.kind is not TaxDocumentKind.CREDIT_NOTES:
        return sa.text(_INVOICES).columns(**_COLUMNS).subquery("document")
    first, end = _EVER
    if wanted.since is not None and wanted.since.first is not None:
        first = start_of_day(wanted.since.first, ctx.zone)
    if wanted.since is not None and wanted.since.last is not None:
        end = start_of_day(wanted.since.last + timedelta(days=1), ctx.zone)
    text = sa.text(_CREDIT_NOTES).bindparams(zone=ctx.zone.key, first=first, end=end)
    return text.columns(**_COLUMNS).subquery("document")


def _conditions(found: sa.Subquery, wanted: DocumentFilter) -> span.Conditions:
    is_credit = wanted.kind is TaxDocumentKind.CREDIT_NOTES
    printed = -found.c.gross if is_credit else found.c.gross
    return [*span.civil_days(found.c.issued_on, wanted.since), *span.cents(printed, wanted.amount)]


def _whole(found: sa.Subquery, listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            *listed.c,
            *(found.c[name] for name in _COLUMNS if name != "number"),
            col(Invoice.reader_id),
            col(Invoice.vat_basis_points),
            col(Reader.email),
            col(InvoiceRecipient.name).label("buyer"),
        )
        .select_from(listed)
        .join(found, found.c.number == listed.c.id)
        .join(Invoice, col(Invoice.id) == found.c.invoice_id)
        .join(Reader, col(Reader.id) == col(Invoice.reader_id))
        .outerjoin(InvoiceRecipient, col(InvoiceRecipient.id) == found.c.recipient_id)
    )


def _row(row: Any) -> DocumentRow:
    is_credit = row.of_invoice is not None
    return DocumentRow(
        number=numbers.credit_note_number(row.id) if is_credit else numbers.invoice_number(row.id),
        issued_on=row.issued_on,
        of_invoice=numbers.invoice_number(row.of_invoice) if is_credit else None,
        reader_id=row.reader_id,
        email=row.email,
        description=corrections.replaced_by(row.replaced_by) if row.replaced_by else row.reason,
        net=Money(row.net),
        vat=Money(row.vat),
        gross=Money(row.gross),
        buyer=row.buyer,
        vat_basis_points=row.vat_basis_points,
    )
