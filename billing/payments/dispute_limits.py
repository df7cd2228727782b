"""What disputes forbid: a disputed charge isn't refunded as well, and a reader with an open dispute isn't renewed."""

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.acquirer.balance_port import DisputeState
from billing.payments.dispute_models import OPEN, Dispute
from billing.payments.models import Payment
from billing.platform.bulk import one_of
from billing.platform.errors import Conflict


class ChargeDisputed(Conflict):
    """The reader's bank has taken this charge back, so it can't be refunded as well: the money would go back twice."""

    code = "charge_disputed"
    title = "This charge is disputed"


class DisputeOpen(Conflict):
    """Your bank has asked for a payment back. Until that is decided we charge nothing, so the subscription can't go on."""

    code = "dispute_open"
    title = "A payment is being disputed"


TAKES = f"(NOT inquiry AND state IN {(*(state.value for state in OPEN), DisputeState.LOST.value)})"
"""`Dispute.takes` in SQL, about a row of `dispute`."""


def of_payment(session: Session, payment_id: str) -> list[Dispute]:
    """A payment's disputes, newest first."""
    return list(
        session.exec(select(Dispute).where(Dispute.payment_id == payment_id).order_by(col(Dispute.id).desc()))
    )


def is_taken(session: Session, payment: Payment) -> bool:
    """Whether a bank has the money of this payment, for now or for good."""
    return cents_taken(session, payment) > 0


def cents_taken(session: Session, payment: Payment) -> int:
    """Cents of this payment that banks have, for now or for good."""
    return cents_taken_of(session, [payment.id]).get(payment.id, 0)


def cents_taken_of(session: Session, payment_ids: Collection[str]) -> dict[str, int]:
    """The same for many payments; one without disputes is missing."""
    taken: Counter[str] = Counter()
    for dispute in session.exec(select(Dispute).where(one_of(Dispute.payment_id, payment_ids))):
        if dispute.takes:
            taken[dispute.payment_id] += dispute.amount
    return taken


def is_lost(session: Session, payment: Payment) -> bool:
    """Whether a bank keeps the money of this payment for good."""
    return any(dispute.state is DisputeState.LOST for dispute in of_payment(session, payment.id))


def refuse_taken(session: Session, payment: Payment) -> None:
    """Raises ChargeDisputed."""
    if is_taken(session, payment):
        raise ChargeDisputed


def open_of(session: Session, reader_id: str) -> Dispute | None:
    """The reader's newest dispute that isn't decided."""
    return session.scalars(_OPEN_OF, {"reader_id": reader_id}).first()


# made once: building a statement takes as long as running it
_OPEN_OF = (
    sa.select(Dispute)
    .where(
        col(Dispute.reader_id) == sa.bindparam("reader_id"),
        # not `in_`, whose list is expanded at each run: `read_together` compiles `OPEN_OF` once
        sa.or_(*(col(Dispute.state) == state for state in OPEN)),
    )
    .order_by(col(Dispute.id).desc())
    .limit(1)
)


OPEN_OF = _OPEN_OF.with_only_columns(col(Dispute.amount), col(Dispute.inquiry))
"""The query of cents and kind of the dispute that `open_of` finds, for `:reader_id`."""


def refuse_while_open(session: Session, reader_id: str) -> None:
    """Raises DisputeOpen."""
    if open_of(session, reader_id) is not None:
        raise DisputeOpen
