"""What two admins decide about a third: a lesser role, no sign-in any more, or a new authenticator (SEC-6).

One who alone could take away all others' rights could then do alone what needs two. Signing them out stays immediate."""

from enum import StrEnum
from typing import Any

from billing.platform.actors import Actor
from billing.platform.context import TransactionContext
from billing.staff import members
from billing.staff.approval_models import Approval, ApprovalKind
from billing.staff.models import StaffMember
from billing.staff.roles import Role


class AdminChange(StrEnum):
    """What is done to the other admin."""

    ROLE = "role"
    DISABLE = "disable"
    RESET = "reset"


def to_store(member: StaffMember, change: AdminChange, role: Role | None) -> tuple[dict[str, Any], str]:
    """The act as an approval keeps it, and in words."""
    words = {
        AdminChange.ROLE: f"{member.email} is an admin no more, and becomes {role}.",
        AdminChange.DISABLE: f"{member.email}, an admin, can’t sign in any more.",
        AdminChange.RESET: f"{member.email}, an admin, sets up a new authenticator at the next sign-in."
        " Recovery codes and passkeys end.",
    }
    act = {"staff_id": member.id, "change": change.value} | ({"role": role.value} if role else {})
    return act, words[change]


def do(ctx: TransactionContext, approval: Approval, asker: Actor) -> bool:
    """Do what was approved; whether it was: the member may have ceased to be an admin since."""
    member = members.by_id(ctx.session, approval.act["staff_id"])
    if member.role is not Role.ADMIN or member.disabled_at is not None:
        return False
    match AdminChange(approval.act["change"]):
        case AdminChange.ROLE:
            role = Role(approval.act["role"])
            members.add(ctx, member.email, role, asked_by=asker, reason=approval.reason)
        case AdminChange.DISABLE:
            members.disable(ctx, member, asked_by=asker, reason=approval.reason)
        case AdminChange.RESET:
            members.reset_codes(ctx, member, asked_by=asker, reason=approval.reason)
    return True


def waiting_for(approvals: list[Approval]) -> tuple[str, ...]:
    """Those that are about who works here, each in its words."""
    kinds = (ApprovalKind.NEW_ADMIN, ApprovalKind.ADMIN_CHANGE)
    return tuple(" ".join(approval.words) for approval in approvals if approval.kind in kinds)
