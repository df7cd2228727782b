"""The minute in which staff may undo a refund that they chose to make: it is written down at once, and sent when the minute is
over. The mail that announces it waits as long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.notices.refunds import refund_settled
from billing.payments.refund_models import Refund, RefundState
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.refunds.refund import UnknownPayment, lock_one

GRACE = timedelta(minutes=1)
UNDONE = "undone by staff before it was sent"


class TooLateToUndo(Conflict):
    """The minute is over, or somebody has undone it already. Money that is on its way can't be called back."""

    code = "too_late_to_undo"
    title = "It can’t be undone any more"


def hold(refund: Refund, at: datetime) -> None:
    """Let a refund that has just been written down wait for its minute."""
    refund.held_until = refund.next_poll_at = at + GRACE


def undo(ctx: TransactionContext, refund_id: str, reader_id: str) -> Refund:
    """Take a refund of the reader's back that was never sent. It counts no more against its payment, and no mail mentions it.

    A worker claims a refund under the lock that is taken here, and not before its minute is over: so it is sent or undone, never
    both. Raises UnknownPayment, TooLateToUndo."""
    refund, _ = lock_one(ctx.session, refund_id)
    if refund.reader_id != reader_id:
        raise UnknownPayment
    is_unsent = refund.state is RefundState.INTENDED and refund.claimed_by is None and refund.poll_count == 0
    if not is_unsent or refund.held_until is None or ctx.at >= refund.held_until:
        raise TooLateToUndo
    refund.state, refund.failure, refund.not_owed = RefundState.FAILED, UNDONE, True
    refund.settled_at = refund.undone_at = ctx.at
    ctx.session.flush()
    refund_settled(ctx, refund)
    log_event(ctx.session, "refund undone", refund=refund.id, payment=refund.payment_id, by=ctx.actor)
    return refund


def held(session: Session, reader_id: str, at: datetime) -> Sequence[Refund]:
    """The reader's refunds that may be undone."""
    query = select(Refund).where(
        Refund.reader_id == reader_id, Refund.state == RefundState.INTENDED, col(Refund.held_until) > at
    )
    return session.exec(query.order_by(col(Refund.held_until), col(Refund.id))).all()
