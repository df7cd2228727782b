"""Which alerts a member gets by mail. Everybody who is signed in chooses for themselves."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.staff import alerts
from billing.web.staff.guard import StaffGuarded, StaffVisiting
from billing.web.views.staff_alerts import AlertRow, StaffAlertsPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/alerts"


@router.get(ROOM)
def show(visit: StaffVisiting) -> Response:
    """The kinds that the role may get, and whether the member does."""
    with visit.read() as ctx:
        found = alerts.settings_of(ctx.session, visit.member)
    choices = tuple(AlertRow(kind=one.kind.value, words=one.kind.words, chosen=one.wanted) for one in found)
    return visit.page(StaffAlertsPage(choices=choices, email=visit.member.email))


@router.post(ROOM)
def choose(visit: StaffGuarded, kinds: Annotated[list[str] | None, Form(max_length=20)] = None) -> Response:
    """Get the ticked kinds, and no other. A kind that the role may not get changes nothing."""
    with visit.begin() as ctx:
        alerts.choose(ctx, visit.member, set(kinds or ()))
    return visit.go(ROOM, "staff-saved")
