"""Admins see the webhook events of acquirers and settle a broken one again."""

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
    """Events that are set aside, and the latest events."""
    with visit.begin() as ctx:
        broken = tuple(_row(event) for event in inbox.set_aside(ctx.session))
        latest = tuple(_row(event) for event in inbox.latest(ctx.session, limit=LATEST))
    return visit.page(StaffEventsPage(broken=broken, latest=latest))


def _row(event: InboundEvent) -> EventRow:
    return EventRow(
        event_id=event.id,
        event_ref=event.event_ref,
        kind=event.event_type,
        object_ref=event.object_ref,
        received_at=event.received_at,
        became=inbox.became(event),
        broken=event.set_aside_at is not None,
    )


@router.post(f"{ROOM}/{{event_id}}/replay")
def replay(visit: Annotated[StaffVisit, needs(Permission.WEBHOOKS, acts=True)], event_id: str) -> Response:
    """Let the worker settle the event again in its next run. Raises UnknownEvent."""
    with visit.begin() as ctx:
        event = inbox.by_id(ctx.session, event_id)
        before = {"state": inbox.became(event)}
        inbox.replay(event, visit.at)
        audit.write(ctx, "replay_event", subject=event.event_ref, before=before)
    return visit.go(ROOM, "staff-replayed")
