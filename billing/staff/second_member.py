"""Who may be the second person: another person, whose role may decide it, and who wasn't let in by the first a moment ago (SEC-6)."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.errors import Conflict, Forbidden
from billing.rules.addresses import canonical
from billing.staff.approval_models import Approval, ApprovalKind
from billing.staff.models import AuditLine, StaffMember
from billing.staff.roles import May, may

KNOWN_FOR = timedelta(days=7)
"""How long ago one of the two may last have let the other in, or given them a new authenticator."""
LET_IN = ("staff_add", "staff_change", "staff_reset_codes")


class NeedsSecond(Conflict):
    """Two members of staff decide about this: another one must approve it."""

    code = "needs_second_person"


class NotTheSecond(Forbidden):
    """Somebody else must approve this: not the one who asked, nor a member whom the one let in within the last seven days."""

    code = "not_the_second_person"
    title = "Somebody else must approve this"


def may_decide(session: Session, approval: Approval, member: StaffMember, at: datetime) -> bool:
    """Whether the member may approve it."""
    needed = May.STAFF if approval.kind is ApprovalKind.NEW_ADMIN else May.APPROVE
    asker = session.get_one(StaffMember, approval.asked_by)
    return (
        member.disabled_at is None
        and may(member.role, needed)
        and member.id != asker.id
        and canonical(member.email) != canonical(asker.email)
        and not _let_in(session, asker, member, at)
    )


def _let_in(session: Session, one: StaffMember, other: StaffMember, at: datetime) -> bool:
    """Whether one of them has let the other in lately: then a single person could be both."""
    pairs = ((one.id, other.id), (other.id, one.id))
    return any(
        session.exec(
            select(AuditLine.id)
            .where(
                AuditLine.staff_id == by,
                AuditLine.subject == whom,
                col(AuditLine.act).in_(LET_IN),
                AuditLine.at > at - KNOWN_FOR,
            )
            .limit(1)
        ).first()
        for by, whom in pairs
    )


def who_may_decide(session: Session, approval: Approval, at: datetime) -> list[StaffMember]:
    """The members who may approve it, by address."""
    rows = session.exec(select(StaffMember).order_by(StaffMember.email)).all()
    return [member for member in rows if may_decide(session, approval, member, at)]
