"""See a reader's account as the reader sees it: for a reason, for a few minutes, and audited."""

from datetime import datetime, timedelta

from sqlmodel import col, select

from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.staff import audit
from billing.staff.audit import NeedsReason, clean_reason
from billing.staff.models import AuditLine
from billing.staff.roles import Permission

LASTS = timedelta(minutes=15)


def begin(ctx: TransactionContext, reader_id: str, reason: str) -> None:
    """Allow this member to see it from now on. Raises UnknownReader, ReaderMerged, NeedsReason."""
    by_id(ctx.session, reader_id)
    reason = clean_reason(reason)
    if not reason:
        raise NeedsReason
    audit.write(ctx, Permission.SEE_AS.value, reader_id=reader_id, reason=reason)


def ends_at(ctx: TransactionContext, reader_id: str) -> datetime | None:
    """Until when this member may see it; None where they have given no reason, or the time is over."""
    begun = ctx.session.exec(
        select(AuditLine.at)
        .where(
            AuditLine.reader_id == reader_id,
            AuditLine.act == Permission.SEE_AS.value,
            AuditLine.staff_id == staff_id_of(ctx.actor),
            AuditLine.at > ctx.at - LASTS,
        )
        .order_by(col(AuditLine.id).desc())
        .limit(1)
    ).first()
    return begun + LASTS if begun is not None else None
