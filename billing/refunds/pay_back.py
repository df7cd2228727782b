"""Record a bank transfer that pays what a failed refund left owing."""

from datetime import date, datetime

from sqlmodel import col, select

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.mail import obsolete
from billing.notices.refunds import refund_paid_back, refund_settled
from billing.payments import numbers, postings, refunds_owed
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import Refund
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.site import Site
from billing.refunds import refund
from billing.rules.periods import start_of_day


class UnknownRefund(NotFound):
    """There is no such refund."""

    code = "unknown_refund"


class RefundNotOwed(Conflict):
    """This refund isn't owed: it went through, is on its way, or was paid otherwise already."""

    code = "nothing_owed"


class NoReference(Invalid):
    """Write down the bank's reference of the transfer."""

    code = "no_reference"


class BadDay(Invalid):
    """The day of the transfer is today or before, and not before the refund was asked for."""

    code = "bad_day"


def pay_back(ctx: TransactionContext, refund_id: str, reference: str, on: date) -> Refund:
    """Record that a transfer from our bank account paid the reader on a day. Close the case, and notify the reader. A bounced
    refund has its credit note; one that was refused gets it now.

    Raises UnknownRefund, RefundNotOwed, NoReference, BadDay."""
    if ctx.session.get(Refund, refund_id) is None:
        raise UnknownRefund
    row, payment = refund.lock_one(ctx.session, refund_id)
    if row not in refunds_owed.of_payment(ctx.session, payment):
        raise RefundNotOwed
    moment = _moment(ctx.site, reference, on, since=row.created_at, at=ctx.at)
    if row.bounced_at is None:
        _write_credit_note(ctx, row, payment)
    # right after the number: `noted_when_returned` asks for both, and the next statement flushes
    row.paid_back_at, row.paid_back_ref = moment, reference.strip()
    obsolete.take_back(ctx.session, [row.id])
    if row.bounced_at is not None:
        postings.paid_by_hand(ctx.moved_to(moment), row, on)
        refund_paid_back(ctx, row, on)
    else:
        postings.refunded(ctx, row, payment, ctx.session.get_one(Invoice, payment.invoice_id))
        refund_settled(ctx, row)
    _close(ctx, row.id, on, row.paid_back_ref)
    return row


def pay_back_unexplained(
    ctx: TransactionContext, charge_ref: str, reference: str, on: date
) -> UnexplainedCharge:
    """The same for an unexplained charge whose refund was given up. It was no sale, so there is no credit note.

    Raises UnknownRefund, RefundNotOwed, NoReference, BadDay."""
    row = ctx.session.exec(
        select(UnexplainedCharge)
        .where(UnexplainedCharge.charge_ref == charge_ref)
        # two acquirers may use one reference: the owed one first
        .order_by(col(UnexplainedCharge.returned_at).is_not(None))
        .with_for_update()
    ).first()
    if row is None:
        raise UnknownRefund
    if row.given_up_at is None or row.not_owed or row.returned_at is not None:
        raise RefundNotOwed
    row.returned_at = _moment(ctx.site, reference, on, since=row.taken_at, at=ctx.at)
    row.paid_back_ref = reference.strip()
    postings.unexplained_paid_by_hand(ctx.moved_to(row.returned_at), charge_ref, row.amount, on)
    _close(ctx, charge_ref, on, row.paid_back_ref)
    return row


def _moment(site: Site, reference: str, on: date, *, since: datetime, at: datetime) -> datetime:
    """The instant of a transfer on a day. Raises NoReference, BadDay."""
    if not reference.strip():
        raise NoReference
    if not site.today(since) <= on <= site.today(at):
        raise BadDay
    return at if on == site.today(at) else max(start_of_day(on, site.zone), since)


def _close(ctx: TransactionContext, subject: str, on: date, reference: str) -> None:
    reason = f"Paid by hand on {on.isoformat()}: {reference}"
    close_about(ctx, CaseKind.REFUND_FAILED, subject, reason=reason)


def _write_credit_note(ctx: TransactionContext, row: Refund, payment: Payment) -> None:
    """Dated today. Net and VAT are reckoned now: since it was refused, other parts of the payment may have gone back."""
    parts = refund.split(ctx.session, payment, row.amount)
    number = numbers.next_numbers(ctx.session, numbers.CREDIT_NOTES)
    row.net, row.vat, row.settled_at, row.credit_note_number = (
        parts.net.amount,
        parts.vat.amount,
        ctx.at,
        number,
    )
