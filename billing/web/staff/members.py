"""Admins add members, change their role, sign them out and disable them."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.errors import Invalid
from billing.readers.register import BadAddress
from billing.staff import admin_changes, approvals, members, sessions
from billing.staff.acts.perform import ActNeedsReason
from billing.staff.admin_changes import AdminChange
from billing.staff.models import StaffMember
from billing.staff.roles import Permission, Role
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_members import MemberRow, RefusedChange, StaffMembersPage

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.STAFF)]
Acting = Annotated[StaffVisit, needs(Permission.STAFF, acts=True, fresh=True)]
Ending = Annotated[StaffVisit, needs(Permission.STAFF, acts=True)]
"""No fresh code: signing a member out only takes rights away, and may be urgent."""
ROOM = "/staff/members"


class ChooseRole(Invalid):
    """Choose a role."""

    code = "choose_role"


REFUSALS = (BadAddress, members.NotYourself, ActNeedsReason, approvals.AlreadyAsked, ChooseRole)


@router.get(ROOM)
def show(visit: Seeing) -> Response:
    """The list, and the form to add a member."""
    return _page(visit)


def _page(
    visit: StaffVisit,
    *,
    email: str = "",
    role: str = "",
    reason: str = "",
    error: str | None = None,
    refused: RefusedChange | None = None,
    status: int = 200,
) -> Response:
    with visit.begin() as ctx:
        signed_in = Counter(member.id for _, member in sessions.open_sessions(ctx))
        seen = members.last_seen(ctx.session)
        rows = tuple(
            _row(
                visit,
                member,
                signed_in[member.id],
                seen.get(member.id),
                needs_second=members.change_needs_second(ctx, member),
                refused=refused if refused is not None and refused.staff_id == member.id else None,
            )
            for member in members.everybody(ctx.session)
        )
        waiting = admin_changes.waiting_for(approvals.waiting(ctx))
    roles = tuple(role.value for role in Role)
    return visit.page(
        StaffMembersPage(
            rows=rows,
            roles=roles,
            waiting=waiting,
            email=email,
            role=role,
            reason=reason,
            error=error,
        ),
        status,
    )


def _row(
    visit: StaffVisit,
    member: StaffMember,
    signed_in: int,
    seen_at: datetime | None,
    *,
    needs_second: bool,
    refused: RefusedChange | None,
) -> MemberRow:
    return MemberRow(
        staff_id=member.id,
        email=member.email,
        role=member.role.value,
        disabled_at=member.disabled_at,
        enrolled=member.enrolled_at is not None,
        signed_in=signed_in,
        seen_at=seen_at,
        is_this=member.id == visit.member.id,
        needs_second=needs_second,
        refused=refused,
    )


@router.post(ROOM)
def add(
    visit: Acting,
    email: Annotated[str, Form(max_length=300)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Add a member with a role, or give a member that role. A new admin, and one fewer, wait for another admin (SEC-6)."""
    try:
        return _give_role(visit, email, role, reason)
    except REFUSALS as refusal:
        return _page(
            visit,
            email=email[:254],
            role=role,
            reason=reason,
            error=refusal.detail,
            status=refusal.status,
        )


def _give_role(visit: StaffVisit, email: str, role: str, reason: str) -> Response:
    """Raises REFUSALS."""
    if role not in list(Role):
        raise ChooseRole
    with visit.begin() as ctx:
        known = members.find(ctx.session, email)
        waits = members.is_new_admin(ctx.session, email, Role(role))
        if waits:
            approvals.ask_for_admin(ctx, email, reason=reason)
        elif known is not None and known.role != role and members.change_needs_second(ctx, known):
            waits = True
            change = AdminChange.ROLE
            approvals.ask_for_admin_change(ctx, known, change, role=Role(role), reason=reason)
        else:
            members.invite(ctx, email, Role(role), reason=reason.strip())
    return visit.go(ROOM, "staff-asked-second" if waits else "staff-saved")


@router.post(f"{ROOM}/{{staff_id}}/role")
def change_role(
    visit: Acting,
    staff_id: str,
    role: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Give a member another role, as the form at the foot of the page does for an address."""
    with visit.begin() as ctx:
        email = members.by_id(ctx.session, staff_id).email
    try:
        return _give_role(visit, email, role, reason)
    except REFUSALS as refusal:
        typed = RefusedChange(
            staff_id=staff_id,
            form=AdminChange.ROLE.value,
            error=refusal.detail,
            role=role if role in list(Role) else "",
            reason=reason,
        )
        return _page(visit, refused=typed, status=refusal.status)


@router.post(f"{ROOM}/{{staff_id}}/disable")
def disable(visit: Acting, staff_id: str, reason: Annotated[str, Form(max_length=300)] = "") -> Response:
    """The member can't sign in any more. Of an admin it waits for another admin (SEC-6)."""
    return _change(visit, staff_id, AdminChange.DISABLE, members.disable, reason)


def _change(
    visit: StaffVisit, staff_id: str, change: AdminChange, do: Callable[..., None], reason: str
) -> Response:
    try:
        with visit.begin() as ctx:
            member = members.by_id(ctx.session, staff_id)
            waits = members.change_needs_second(ctx, member)
            if waits:
                approvals.ask_for_admin_change(ctx, member, change, reason=reason)
            else:
                do(ctx, member, reason=reason.strip())
    except REFUSALS as refusal:
        typed = RefusedChange(staff_id=staff_id, form=change.value, error=refusal.detail, reason=reason)
        return _page(visit, refused=typed, status=refusal.status)
    return visit.go(ROOM, "staff-asked-second" if waits else "staff-saved")


@router.post(f"{ROOM}/{{staff_id}}/sign-out")
def sign_out(visit: Ending, staff_id: str) -> Response:
    """End the member's sessions."""
    with visit.begin() as ctx:
        members.end_sessions(ctx, members.by_id(ctx.session, staff_id))
    return visit.go(ROOM, "staff-saved")


@router.post(f"{ROOM}/{{staff_id}}/reset")
def reset(visit: Acting, staff_id: str, reason: Annotated[str, Form(max_length=300)] = "") -> Response:
    """After a lost phone: the next sign-in sets up a new authenticator. Of an admin it waits for another admin (SEC-6)."""
    return _change(visit, staff_id, AdminChange.RESET, members.reset_codes, reason)
