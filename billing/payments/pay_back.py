"""Pay a reader by other means what a bounced refund left owing."""

from datetime import datetime

from sqlmodel import Session, select

from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.errors import Conflict, Invalid, NotFound
from billing.office import Office
from billing.payments import book
from billing.payments.models import Refund


class UnknownRefund(NotFound):
    """There is no such refund."""

    code = "unknown_refund"


class NothingOwed(Conflict):
    """This refund isn't owed: it went through, never succeeded, or was paid by hand already."""

    code = "nothing_owed"


class NoReference(Invalid):
    """Write down the bank's reference of the transfer."""

    code = "no_reference"


def pay_back(
    session: Session, office: Office, refund_id: str, reference: str, at: datetime, *, by: str
) -> Refund:
    """Write down that the amount went to the reader by a transfer from our bank account. The credit note was written when the
    refund succeeded, so there is none now; the case about it is closed. Raises UnknownRefund, NothingOwed, NoReference."""
    refund = session.exec(select(Refund).where(Refund.id == refund_id).with_for_update()).first()
    if refund is None:
        raise UnknownRefund
    if refund.bounced_at is None or refund.paid_back_at is not None:
        raise NothingOwed
    if not reference.strip():
        raise NoReference
    refund.paid_back_at, refund.paid_back_ref = at, reference.strip()
    session.add(refund)
    book.paid_by_hand(session, office, refund, at)
    close_about(
        session,
        CaseKind.REFUND_FAILED,
        refund.id,
        reason=f"Paid by hand: {refund.paid_back_ref}",
        by=by,
        at=at,
    )
    return refund
