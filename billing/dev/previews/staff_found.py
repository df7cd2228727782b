"""What staff find, and what is next for a reader, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

from billing.dev.previews.values import LONG_ADDRESS, PRICE
from billing.rules.money import Money
from billing.rules.periods import add_months
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_find import ChargeRow, FoundRow, FoundRows, RequestFound, StaffFindPage
from billing.web.views.staff_invite import StaffInvitePage
from billing.web.views.staff_next import NextColumn, StaffNextPage

_CHARGED = datetime(2026, 11, 5, 7, 0, tzinfo=UTC)
_FIRST = date(2026, 12, 5)


INVITE = StaffInvitePage(
    email=LONG_ADDRESS,
    words=(
        f"{LONG_ADDRESS} gets an account, which they have not proved to be theirs yet.",
        "Everything is open to it through Monday 16 November 2026, free of charge.",
        "Your role leaves you 31 days for this reader this month, and 310 days for all readers today.",
    ),
    button=f"Give 7 days to {LONG_ADDRESS}",
    version="1",
)


def found_pages(frame: Frame) -> Iterator[tuple[str, Page, Frame]]:
    """Pages of readers and of charges, the rows alone, and an empty page."""
    found = FoundRow(
        reader_id="rdr_1",
        email=LONG_ADDRESS,
        by="part of the mail address",
        external_id="crm-20417",
        standing="Your subscription is paid through Friday 4 December 2026.",
    )
    at = replace(frame, path="/staff/find")
    charge = ChargeRow(
        reader_id="rdr_1", email=LONG_ADDRESS, paid_at=_CHARGED, amount=PRICE, number="INV-000148"
    )
    rows = FoundRows(
        readers=(found, replace(found, reader_id="rdr_2", died=True)),
        more_readers="/staff/find?q=van&after=rdr_2",
    )
    charges = FoundRows(charges=(charge, charge), more_charges="/staff/find?q=R75&after=pay_2")
    yield "staff-found", StaffFindPage(found=rows, query="van"), at
    yield "staff-found-charges", StaffFindPage(found=charges, query="R75 5 November"), at
    request = RequestFound(link="/staff/requests/req_1", email=LONG_ADDRESS, received_at=_CHARGED)
    yield "staff-found-request", StaffFindPage(found=FoundRows(request=request), query="req_1"), at
    nobody = FoundRows(invite="/staff/complimentary?email=lerato%40example.com")
    yield "staff-found-nobody", StaffFindPage(found=nobody, query="lerato@example.com"), at
    yield "staff-invite", INVITE, replace(frame, path="/staff/complimentary")
    yield "staff-invite-refused", replace(INVITE, words=(), version="", error="Days are a whole number."), at
    yield "staff-found-none", StaffFindPage(found=FoundRows(), query="van", error="Type something."), at


def _monthly(first: date, count: int) -> tuple[tuple[date, Money], ...]:
    return tuple((add_months(first, n), PRICE) for n in range(count))


NEXT = StaffNextPage(
    reader_id="rdr_1",
    email=LONG_ADDRESS,
    until=date(2027, 11, 23),
    columns=(
        NextColumn(
            title="As it is",
            words=("Your subscription is paid through Friday 4 December 2026.",),
            charges=_monthly(_FIRST, 12),
            total=Money(90000),
        ),
        NextColumn(
            title="Cancelled now",
            words=(
                "It counts from Monday 23 November 2026 at 09:00.",
                "Reading ends now. A mail confirms it.",
            ),
            charges=(),
            total=Money(0),
            act="/staff/readers/rdr_1/cancel?when=now",
        ),
        NextColumn(
            title="Paused for one month",
            words=("Reading goes on through Friday 4 December 2026, as it is paid for.",),
            charges=_monthly(date(2027, 1, 5), 11),
            total=Money(82500),
            act="/staff/readers/rdr_1/pause",
        ),
        NextColumn(
            title="14 days more",
            words=(),
            charges=(),
            total=Money(0),
            refusal="A payment is open. It has to be paid, or given up, first.",
        ),
    ),
    months=1,
    most_months=6,
    days="14",
)
