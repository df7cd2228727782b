"""Undo a refund within the minute that it is held. What it took from the member's limits is given back to them."""

from sqlmodel import col, select

from billing.changes.give_back import is_of_cancellation
from billing.payments.refund_models import Refund
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.refunds import grace
from billing.rules.periods import start_of_day
from billing.staff import audit, facts
from billing.staff.approval_models import Approval
from billing.staff.models import AuditLine
from billing.staff.roles import Permission

REASON = "undone within its minute"


def undo_refund(ctx: TransactionContext, reader_id: str, refund_id: str) -> None:
    """Take the refund back, and audit it. Raises UnknownReader, UnknownPayment, TooLateToUndo."""
    facts.lock_reader(ctx.session, reader_id)
    before = facts.snapshot(ctx, reader_id)
    refund = grace.undo(ctx, refund_id, reader_id)
    audit.write(
        ctx,
        "undo_refund",
        reader_id=reader_id,
        subject=refund.id,
        reason=REASON,
        before=before,
        after=facts.snapshot(ctx, reader_id),
        cents=-_counted(ctx, refund),
    )


def _counted(ctx: TransactionContext, refund: Refund) -> int:
    """Cents that this member's limits count for the refund today. Nothing of a colleague's, of the day before, or of what a second
    member approved: else the limits would grow by it.

    The act that ended the subscription is one line for all that went back with it, at the same moment as the refund."""
    today = start_of_day(ctx.today, ctx.zone)
    approved = select(Approval.line_id).where(col(Approval.line_id).is_not(None))
    of_act = (
        (AuditLine.act == Permission.DECEASED.value, AuditLine.at == refund.created_at)
        if is_of_cancellation(refund)
        else (AuditLine.act == Permission.REFUND.value, AuditLine.subject == refund.id)
    )
    line = select(AuditLine.id).where(
        *of_act,
        AuditLine.reader_id == refund.reader_id,
        AuditLine.cents >= refund.amount,
        AuditLine.staff_id == staff_id_of(ctx.actor),
        AuditLine.at >= today,
        col(AuditLine.id).not_in(approved),
    )
    return refund.amount if ctx.session.exec(line).first() is not None else 0
