"""Where members are signed in: members see and end their own sessions, admins all (SEC-3). Ending one needs no fresh code: it only
takes rights away, and may be urgent."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.http import cookies
from billing.readers import devices, webauthn_checks
from billing.staff import members, passkeys, recovery_codes, sessions
from billing.staff.models import StaffMember, StaffSession
from billing.staff.roles import Permission
from billing.web.staff.guard import SIGN_IN, StaffFresh, StaffGuarded, StaffVisit, StaffVisiting, needs
from billing.web.views.passkeys import PasskeyRow
from billing.web.views.staff_team import StaffRecoveryCodesPage, StaffSessionRow, StaffSessionsPage

router = APIRouter(include_in_schema=False)
MINE = "/staff/sessions"
ALL = "/staff/members/sessions"


def _page(visit: StaffVisit, *, everybody: bool) -> Response:
    with visit.begin() as ctx:
        found = sessions.open_sessions(ctx, None if everybody else visit.member.id)
        codes_left = recovery_codes.left(ctx.session, visit.member.id)
        known = () if everybody else passkeys.of_member(ctx.session, visit.member.id)
        keys = tuple(PasskeyRow.of(key) for key in known)
        can_add = webauthn_checks.relying_party(ctx.site) is not None and len(keys) < passkeys.MOST
    rows = tuple(_row(visit, session, member) for session, member in found)
    return visit.page(
        StaffSessionsPage(
            rows=rows, everybody=everybody, codes_left=codes_left, passkeys=keys, can_add=can_add
        )
    )


def _row(visit: StaffVisit, session: StaffSession, member: StaffMember) -> StaffSessionRow:
    return StaffSessionRow(
        session_id=session.id,
        email=member.email,
        device=devices.in_words(session.device),
        ip=session.ip,
        started_at=session.started_at,
        seen_at=session.seen_at,
        is_this=session.id == visit.staff_session.id,
    )


@router.get(MINE)
def mine(visit: StaffVisiting) -> Response:
    """The member's own."""
    return _page(visit, everybody=False)


@router.post("/staff/recovery-codes")
def make_recovery_codes(visit: StaffFresh) -> Response:
    """Make ten recovery codes, and show them once; earlier ones end. Raises StaffMustProve."""
    with visit.begin() as ctx:
        made = recovery_codes.make(ctx, visit.member)
    return visit.page(StaffRecoveryCodesPage(codes=made))


@router.post(f"{MINE}/end-all")
def end_all(visit: StaffGuarded) -> Response:
    """Sign the member out in every browser, this one too."""
    with visit.begin() as ctx:
        members.end_sessions(ctx, visit.member)
    visit.takes.append(cookies.STAFF)
    return visit.go(SIGN_IN, "staff-signed-out")


@router.post(f"{MINE}/{{session_id}}/end")
def end_mine(visit: StaffGuarded, session_id: str) -> Response:
    """End one of the member's own. Another member's counts as unknown (SEC-7)."""
    with visit.begin() as ctx:
        ended = members.end_sessions(ctx, visit.member, only=session_id)
    return visit.go(MINE, "staff-session-ended" if ended else "staff-session-over")


@router.get(ALL)
def everybody(visit: Annotated[StaffVisit, needs(Permission.STAFF)]) -> Response:
    """Those of all members."""
    return _page(visit, everybody=True)


@router.post(f"{ALL}/{{session_id}}/end")
def end_any(visit: Annotated[StaffVisit, needs(Permission.STAFF, acts=True)], session_id: str) -> Response:
    """End one of any member."""
    with visit.begin() as ctx:
        found = ctx.session.get(StaffSession, session_id)
        ended = 0
        if found is not None:
            member = members.by_id(ctx.session, found.staff_id)
            ended = members.end_sessions(ctx, member, only=session_id)
    return visit.go(ALL, "staff-session-ended" if ended else "staff-session-over")
