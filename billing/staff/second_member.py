"""Who may be the second member: another person, whose role allows it, and who has worked here for a while (SEC-6).

One admin could add two mailboxes of their own. So a member approves nothing for seven days after another member added them."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Forbidden
from billing.rules.addresses import canonical
from billing.staff.approval_models import Approval, ApprovalKind, ApprovalState
from billing.staff.models import AuditLine, StaffMember
from billing.staff.roles import Permission, may

KNOWN_FOR = timedelta(days=7)
"""How long a member approves nothing after another added them, or gave them a new role or authenticator. By then the other
members were notified, and had time to react."""
LET_IN = ("staff_add", "staff_change", "staff_reset_codes")


class NeedsSecond(Conflict):
    """Two members of staff decide about this: another one must approve it."""

    code = "needs_second_person"


class NotTheSecond(Forbidden):
    """Somebody else must approve this: not the one who asked, nor a member who let them in, nor one who was let in by a member, within the last seven days. A new role or authenticator counts as being let in. Nor does a member decide about their own account."""

    code = "not_the_second_person"
    title = "Somebody else must approve this"


def needed_of(approval: Approval) -> Permission | None:
    """The permission that both members need where one admin asks another; None for money."""
    by_kind = {
        ApprovalKind.NEW_ADMIN: Permission.STAFF,
        ApprovalKind.ADMIN_CHANGE: Permission.STAFF,
        ApprovalKind.KEY_CEILING: Permission.KEYS,
    }
    return by_kind.get(approval.kind)


def is_about(approval: Approval, member: StaffMember) -> bool:
    """Whether the member's own account would change. They neither approve nor decline it."""
    return approval.kind is ApprovalKind.ADMIN_CHANGE and approval.act["staff_id"] == member.id


def may_decide(ctx: TransactionContext, approval: Approval, member: StaffMember) -> bool:
    """Whether the member may approve it."""
    asker = ctx.session.get_one(StaffMember, approval.asked_by)
    return (
        member.disabled_at is None
        and may(member.role, needed_of(approval) or Permission.APPROVE)
        and member.id != asker.id
        and not is_about(approval, member)
        and canonical(member.email) != canonical(asker.email)
        and not _let_in(ctx, member)
        and not _let_in(ctx, asker, by=member)
    )


def _let_in(ctx: TransactionContext, whom: StaffMember, *, by: StaffMember | None = None) -> bool:
    """Whether any member, or `by`, has let this one in lately. Commands on the machine aren't members."""
    done = select(AuditLine.id).where(
        col(AuditLine.staff_id).is_not(None) if by is None else AuditLine.staff_id == by.id,
        AuditLine.subject == whom.id,
        col(AuditLine.act).in_(LET_IN),
        AuditLine.at > ctx.at - KNOWN_FOR,
    )
    act = col(Approval.act)
    let_in = sa.or_(
        sa.and_(
            col(Approval.kind) == ApprovalKind.NEW_ADMIN,
            sa.func.lower(act["email"].astext) == whom.email.lower(),
        ),
        sa.and_(
            col(Approval.kind) == ApprovalKind.ADMIN_CHANGE,
            act["staff_id"].astext == whom.id,
            act["change"].astext != "disable",
        ),
    )
    asked = select(Approval.id).where(
        let_in,
        Approval.state == ApprovalState.DONE,
        col(Approval.decided_at) > ctx.at - KNOWN_FOR,
    )
    if by is not None:
        asked = asked.where(Approval.asked_by == by.id)
    return any(ctx.session.exec(query.limit(1)).first() for query in (done, asked))


def who_may_decide(ctx: TransactionContext, approval: Approval) -> list[StaffMember]:
    """The members who may approve it, by address."""
    rows = ctx.session.exec(select(StaffMember).order_by(StaffMember.email)).all()
    return [member for member in rows if may_decide(ctx, approval, member)]
