"""Pay by bank transfer what a refund that failed left owing."""

from datetime import date, datetime

from sqlmodel import Session, col, select

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.mail import obsolete
from billing.notices.refunds import refund_paid_back, refund_settled
from billing.payments import numbers, postings, refunds_owed
from billing.payments.models import Invoice, Payment, Refund
from billing.payments.unexplained_models import UnexplainedCharge
from billing.platform.actors import Actor
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.site import Office
from billing.refunds import refund
from billing.rules.periods import start_of_day


class UnknownRefund(NotFound):
    """There is no such refund."""

    code = "unknown_refund"


class NothingOwed(Conflict):
    """This refund isn't owed: it went through, is on its way, or was paid otherwise already."""

    code = "nothing_owed"


class NoReference(Invalid):
    """Write down the bank's reference of the transfer."""

    code = "no_reference"


class BadDay(Invalid):
    """The day of the transfer is today or before, and not before the refund was asked for."""

    code = "bad_day"


def pay_back(
    session: Session, office: Office, refund_id: str, reference: str, on: date, at: datetime, *, by: Actor
) -> Refund:
    """Write down that the amount went to the reader on a day, by a transfer from our bank account. A refund that had gone back
    has its credit note; one that was refused gets it now. The case about it is closed, and the reader told.

    Raises UnknownRefund, NothingOwed, NoReference, BadDay."""
    if session.get(Refund, refund_id) is None:
        raise UnknownRefund
    row, payment = refund.lock_one(session, refund_id)
    if row not in refunds_owed.of_payment(session, payment):
        raise NothingOwed
    moment = _moment(office, reference, on, since=row.created_at, at=at)
    if row.bounced_at is None:
        _write_credit_note(session, row, payment, at)
    row.paid_back_at, row.paid_back_ref = moment, reference.strip()
    session.add(row)
    obsolete.take_back(session, [row.id])
    if row.bounced_at is not None:
        postings.paid_by_hand(session, row, moment, on)
        refund_paid_back(session, office, row, on, at)
    else:
        postings.refunded(session, office, row, payment, session.get_one(Invoice, payment.invoice_id), at)
        refund_settled(session, office, row, at)
    _close(session, row.id, on, row.paid_back_ref, by, at)
    return row


def pay_back_unexplained(
    session: Session, office: Office, charge_ref: str, reference: str, on: date, at: datetime, *, by: Actor
) -> UnexplainedCharge:
    """The same for a charge that nothing explains, whose refund was given up. It was no sale, so there is no credit note.

    Raises UnknownRefund, NothingOwed, NoReference, BadDay."""
    owed_first = col(UnexplainedCharge.returned_at).is_not(None)
    row = session.exec(
        select(UnexplainedCharge)
        .where(UnexplainedCharge.charge_ref == charge_ref)
        .order_by(owed_first)  # two acquirers may use one name
        .with_for_update()
    ).first()
    if row is None:
        raise UnknownRefund
    if row.given_up_at is None or row.not_owed or row.returned_at is not None:
        raise NothingOwed
    row.returned_at = _moment(office, reference, on, since=row.taken_at, at=at)
    row.paid_back_ref = reference.strip()
    session.add(row)
    postings.unexplained_paid_by_hand(session, charge_ref, row.amount, row.returned_at, on)
    _close(session, charge_ref, on, row.paid_back_ref, by, at)
    return row


def _moment(office: Office, reference: str, on: date, *, since: datetime, at: datetime) -> datetime:
    """Of a transfer on a day. Raises NoReference, BadDay."""
    if not reference.strip():
        raise NoReference
    if not office.today(since) <= on <= office.today(at):
        raise BadDay
    return at if on == office.today(at) else max(start_of_day(on, office.zone), since)


def _close(session: Session, subject: str, on: date, reference: str, by: Actor, at: datetime) -> None:
    reason = f"Paid by hand on {on.isoformat()}: {reference}"
    close_about(session, CaseKind.REFUND_FAILED, subject, reason=reason, by=by, at=at)


def _write_credit_note(session: Session, row: Refund, payment: Payment, at: datetime) -> None:
    """Dated today. Net and VAT are reckoned now: since it was refused, other parts of the payment may have gone back."""
    parts = refund.split(session, payment, row.amount)
    number = numbers.take(session, numbers.CREDIT_NOTES)
    row.net, row.vat, row.settled_at, row.credit_note_number = parts.net.amount, parts.vat.amount, at, number
