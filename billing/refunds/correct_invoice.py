"""Correct the buyer's details on a tax invoice: credit it in full, and issue it again with another number (VAT-8)."""

from datetime import date

from sqlmodel import Session

from billing.notices.invoice_corrected import invoice_corrected
from billing.payments import corrections, invoice_recipients, numbers, postings, receipts
from billing.payments.corrections import InvoiceCorrection, IssuedInvoice
from billing.payments.invoice_recipients import NameAndAddressNeeded, Particulars
from billing.payments.receipts import Paid
from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.rules.periods import add_months
from billing.subscriptions.change import lock

YEARS = 5
"""How long after the supply a tax invoice is corrected. The Act sets no end to the request, only 21 days to answer it; the records
that a correction needs are kept for five years (REC-1)."""


class NothingToCorrect(Conflict):
    """This tax invoice has been credited in full, or is about to be, so there is nothing left to correct."""

    code = "nothing_to_correct"


class TooOldToCorrect(Conflict):
    """This tax invoice is more than five years old. Please write to us."""

    code = "too_old_to_correct"


class NamedAlready(Conflict):
    """This tax invoice has these details already."""

    code = "named_already"


def is_correctable(paid: Paid, in_force: IssuedInvoice, today: date) -> bool:
    """Whether a correction may still be asked for: not after five years, and not when nothing is left of it."""
    return today <= add_months(in_force.supplied_on, 12 * YEARS) and paid.not_given > 0


def check(session: Session, paid: Paid, particulars: Particulars, today: date) -> IssuedInvoice:
    """The tax invoice to correct. Raises NothingToCorrect, TooOldToCorrect, NamedAlready."""
    in_force = corrections.of_invoice(session, paid.invoice)[-1]
    if paid.not_given == 0:
        raise NothingToCorrect
    if not is_correctable(paid, in_force, today):
        raise TooOldToCorrect
    if corrections.particulars_of(session, [in_force]).get(in_force.number) == particulars:
        raise NamedAlready
    return in_force


def correct(
    ctx: TransactionContext, invoice_id: str, reader_id: str, particulars: Particulars, reason: str
) -> InvoiceCorrection:
    """Replace the reader's tax invoice by one with these particulars, which later ones have too, and mail both documents.

    Value that earlier credit notes took back is gone from the new one. A refund that is on its way takes it back when it settles.
    Raises UnknownInvoice, NothingToCorrect, TooOldToCorrect, NamedAlready."""
    paid = receipts.one(ctx.session, invoice_id, reader_id)
    lock(ctx.session, paid.invoice.subscription_id)  # whatever moves its money or corrects it waits
    paid = receipts.one(ctx.session, invoice_id, reader_id, afresh=True)
    old = check(ctx.session, paid, particulars, ctx.today)
    recipient_id = invoice_recipients.enter(ctx, reader_id, particulars)
    if recipient_id is None:
        raise NameAndAddressNeeded
    all_issued = corrections.of_invoice(ctx.session, paid.invoice)
    noted = corrections.notes_on(all_issued, paid.refunds, all_issued[-1])
    row = InvoiceCorrection(
        id=ids.new("cor", ctx.at),
        invoice_id=invoice_id,
        reader_id=reader_id,
        replaced_number=old.number,
        replaced_recipient_id=old.recipient_id,
        recipient_id=recipient_id,
        gross=old.gross - sum(each.amount for each in noted),
        net=old.net - sum(each.net for each in noted),
        vat=old.vat - sum(each.vat for each in noted),
        reason=reason,
        issued_on=ctx.today,
        made_at=ctx.at,
        **acted_by(ctx.actor),
        number=numbers.next_numbers(ctx.session, numbers.INVOICES),
        credit_note_number=numbers.next_numbers(ctx.session, numbers.CREDIT_NOTES),
    )
    paid.invoice.number, paid.invoice.recipient_id = row.number, recipient_id
    ctx.session.add(row)
    ctx.session.flush()
    postings.corrected(ctx, row, paid.invoice)
    invoice_corrected(ctx, row, paid)
    log_event(ctx.session, "invoice corrected", invoice=invoice_id, correction=row.id, by=ctx.actor)
    return row
