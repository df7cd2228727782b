"""The pages of staff about the machinery, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from billing.web import views
from billing.web.preview_staff import STAFF
from billing.web.preview_values import NOW

PAUSED = views.PausedNote(
    since=NOW - timedelta(minutes=40),
    probe_at=NOW + timedelta(minutes=15),
    waiting=41,
    why="APIConnectionError: Unexpected error communicating with Stripe.",
)
BROKEN = views.EventRow(
    event_id="evt_1PqVtZ2eZvKYlo2C1mXj7rNa",
    kind="payment_method.automatically_updated",
    object_ref="pm_1PqVtZ2eZvKYlo2C1mXj7rNa",
    received_at=NOW,
    became="set aside after 8 failures: KeyError: 'exp_month'",
    broken=True,
)


def pages() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """Each with a name, and the frame around it."""
    at = replace(STAFF, path="/staff/webhooks")
    yield "staff-paused", views.StaffFind(waiting=0, paused=PAUSED), STAFF
    yield "staff-silent", views.StaffFind(waiting=0, silent_since=NOW - timedelta(minutes=20)), STAFF
    yield "staff-no-run", views.StaffFind(waiting=0, no_run_since=NOW - timedelta(minutes=40)), STAFF
    yield "staff-paused-nothing", views.StaffFind(waiting=0, paused=replace(PAUSED, waiting=0)), STAFF
    settled = replace(BROKEN, event_id="evt_2", became="settled: charged", broken=False)
    yield "staff-events", views.StaffEvents(broken=(BROKEN,), latest=(BROKEN, settled)), at
    yield "staff-events-none", views.StaffEvents(broken=(), latest=()), at
