"""The pages about readers' requests, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import REQUEST, STAFF
from billing.dev.previews.values import NOW, PRICE
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_requests import EarlierWithdrawal, StaffRequestPage, StaffRequestsPage


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    at = replace(STAFF, path="/staff/requests")
    unknown = replace(REQUEST, reader_id=None, words="", charged_since=None, next_charge=None, next_at=None)
    before = EarlierWithdrawal(on=date(2026, 7, 22), amount=PRICE, reader_id="rdr_1", same_reader=True)
    again = replace(
        REQUEST,
        asked="Asked to withdraw once more",
        words="I withdraw from my subscription. Please return what I paid.",
        charged_since=None,
        next_charge=None,
        next_at=None,
        withdrawal=PRICE,
        earlier=(before,),
    )
    asked_again = StaffRequestPage(row=again, closed_at=None, closed_by=None, answer=None)
    yield "staff-request-to-withdraw", asked_again, at
    asked = replace(REQUEST, confirm_asked_at=NOW)
    yield "staff-request-asked", replace(asked_again, row=asked), at
    confirmed = replace(asked, email_verified=True, confirmed_at=NOW, may_ask=False)
    yield "staff-request-confirmed", replace(asked_again, row=confirmed), at
    yield "staff-requests", StaffRequestsPage(rows=(REQUEST, again, unknown)), at
    yield "staff-requests-none", StaffRequestsPage(rows=()), at
    waiting = StaffRequestPage(
        row=REQUEST, closed_at=None, closed_by=None, answer=None, error="Write a few words."
    )
    yield "staff-request", waiting, at
    closed = replace(
        waiting,
        error="Somebody has answered it.",
        closed_at=NOW,
        closed_by="staff:sipho@swartbergpost.example",
        answer="It is cancelled.",
        draft="Dear reader",
    )
    yield "staff-request-answered", closed, at
