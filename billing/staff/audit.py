"""Write down what staff and programs did for readers, and what they were refused. Lines are never changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform.actors import WORKER, StaffActor, acted_by, ip_of, is_actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.staff.models import AuditLine, Outcome, StaffMember


def takeover(ctx: TransactionContext) -> None:
    """A worker saw that this database took over from one whose server failed, and adopted it."""
    write(ctx.acting_as(WORKER), "take_over_database")


def of(member: StaffMember, ip: str) -> StaffActor:
    """A staff member as an actor."""
    return StaffActor(member.email, member.id, ip)


def write(
    ctx: TransactionContext,
    act: str,
    *,
    outcome: Outcome = Outcome.DONE,
    reader_id: str | None = None,
    subject: str | None = None,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    cents: int = 0,
    days: int = 0,
) -> AuditLine:
    """Add a line, in the transaction of what it tells. `before` and `after` hold what can stand in JSON; `cents` and `days` are
    what a member gave of their own will, or a program gave with its key."""
    line = AuditLine(
        at=ctx.at,
        staff_id=staff_id_of(ctx.actor),
        **acted_by(ctx.actor),
        act=act,
        outcome=outcome,
        reader_id=reader_id,
        subject=subject,
        reason=reason,
        before=before or {},
        after=after or {},
        cents=cents,
        days=days,
        ip=ip_of(ctx.actor)[:64],
    )
    ctx.session.add(line)
    ctx.session.flush()
    log_event(
        ctx.session, f"staff {act} {outcome}", line=line.id, by=str(ctx.actor), reader=reader_id, on=subject
    )
    return line


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines of the audit are wanted; what is empty doesn't matter."""

    who: str = ""
    """A part of the staff member's address, or of a key's name."""
    reader_id: str = ""
    act: str = ""
    since: datetime | None = None
    before: datetime | None = None
    refused_only: bool = False


def search(session: Session, sought: Sought, *, limit: int, older_than: int | None = None) -> list[AuditLine]:
    """Lines that fit, newest first; `older_than` is the id where the page before ended."""
    query = select(AuditLine).order_by(col(AuditLine.id).desc()).limit(limit)
    if sought.who:
        query = query.where(
            sa.func.concat(AuditLine.actor_kind, ":", AuditLine.actor_id).icontains(
                sought.who, autoescape=True
            )
        )
    if sought.reader_id:
        query = query.where(AuditLine.reader_id == sought.reader_id)
    if sought.act:
        query = query.where(AuditLine.act == sought.act)
    if sought.since is not None:
        query = query.where(AuditLine.at >= sought.since)
    if sought.before is not None:
        query = query.where(AuditLine.at < sought.before)
    if sought.refused_only:
        query = query.where(AuditLine.outcome == Outcome.REFUSED)
    if older_than is not None:
        query = query.where(col(AuditLine.id) < older_than)
    return list(session.exec(query))


def acts(session: Session) -> list[str]:
    """Every act there is a line of, for the search form."""
    return list(session.exec(select(AuditLine.act).distinct().order_by(AuditLine.act)))


def refused(ctx: TransactionContext, act: str, *, reason: str, asked: str) -> None:
    """Write down what a program was refused: once an hour is enough to know it, whatever it goes on to try."""
    recent = ctx.session.exec(
        select(AuditLine.id).where(
            *is_actor(AuditLine, ctx.actor),
            AuditLine.act == act,
            AuditLine.outcome == Outcome.REFUSED,
            AuditLine.at > ctx.at - timedelta(hours=1),
        )
    ).first()
    if recent is None:
        write(ctx, act, outcome=Outcome.REFUSED, reason=reason, after={"asked": asked})


def looked(ctx: TransactionContext, reader_id: str) -> None:
    """Write down that somebody opened a reader's page: once an hour is enough to know it."""
    recent = ctx.session.exec(
        select(AuditLine.id).where(
            AuditLine.staff_id == staff_id_of(ctx.actor),
            AuditLine.reader_id == reader_id,
            AuditLine.act == "open",
            AuditLine.at > ctx.at - timedelta(hours=1),
        )
    ).first()
    if recent is None:
        write(ctx, "open", reader_id=reader_id)
