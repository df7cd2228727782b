"""What the acquirer told us: what broke, and settling it again. For admins."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.staff import audit
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.operators import EventRow, StaffEventsPage
from billing.webhooks import inbox
from billing.webhooks.models import InboundEvent

router = APIRouter(include_in_schema=False)
ROOM = "/staff/webhooks"
LATEST = 30


@router.get(ROOM)
def events(visit: Annotated[StaffVisit, needs(Permission.WEBHOOKS)]) -> Response:
    """Events that are set aside, and the latest."""
    with visit.services.database.transaction() as session:
        broken = tuple(_row(row) for row in inbox.set_aside(session))
        latest = tuple(_row(row) for row in inbox.latest(session, limit=LATEST))
    return visit.page(StaffEventsPage(broken=broken, latest=latest))


def _row(row: InboundEvent) -> EventRow:
    return EventRow(
        event_id=row.id,
        event_ref=row.event_ref,
        kind=row.event_type,
        object_ref=row.object_ref,
        received_at=row.received_at,
        became=inbox.became(row),
        broken=row.set_aside_at is not None,
    )


@router.post(f"{ROOM}/{{event_id}}/replay")
def replay(visit: Annotated[StaffVisit, needs(Permission.WEBHOOKS, acts=True)], event_id: str) -> Response:
    """The worker settles the event once more, in its next look. Raises UnknownEvent."""
    with visit.begin() as ctx:
        event = inbox.by_id(ctx.session, event_id)
        before = {"state": inbox.became(event)}
        inbox.replay(event, visit.at)
        audit.write(ctx, "replay_event", subject=event.event_ref, before=before)
    return visit.go(ROOM, "staff-replayed")
