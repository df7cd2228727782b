"""The first page of staff: the search box, what stands still, and what waits for the member's role."""

from fastapi import APIRouter
from sqlmodel import Session
from starlette.responses import Response

from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.payments import charge
from billing.platform import heartbeat
from billing.staff import recovery_codes
from billing.staff.home.first_page import first_page
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisiting
from billing.web.views.operators import PausedNote
from billing.web.views.staff_home import StaffHomePage

router = APIRouter(include_in_schema=False)


@router.get("/staff")
def home(visit: StaffVisiting) -> Response:
    """What waits for this member this morning. Everybody who is signed in has one; the role decides what is on it."""
    with visit.begin() as ctx:
        last = heartbeat.last_heartbeat(ctx.session, ctx.at)
        view = StaffHomePage(
            may_find=visit.may(Permission.FIND),
            paused=_paused(ctx.session),
            silent_since=last.at if last is not None and last.silent else None,
            no_run_since=overdue_since(ctx.session, ctx.at),
            parts=first_page(ctx, visit.member.role),
            lacks_codes=not recovery_codes.were_made(ctx.session, visit.member.id),
        )
    return visit.page(view)


def _paused(session: Session) -> PausedNote | None:
    pause = breaker.paused(session)
    if pause is None:
        return None
    waiting = charge.waiting(session)
    return PausedNote(since=pause.since, probe_at=pause.probe_at, waiting=waiting, reason=pause.reason)
