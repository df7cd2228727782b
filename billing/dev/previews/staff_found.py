"""What staff find, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from billing.dev.previews.values import LONG_ADDRESS, PRICE
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_find import ChargeRow, FoundRow, FoundRows, StaffFindPage

_CHARGED = datetime(2026, 11, 5, 7, 0, tzinfo=UTC)


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
        readers=(found, replace(found, reader_id="rdr_2")), more_readers="/staff/find?q=van&after=rdr_2"
    )
    charges = FoundRows(charges=(charge, charge), more_charges="/staff/find?q=R75&after=pay_2")
    yield "staff-found", StaffFindPage(found=rows, query="van", focus=True), at
    yield "staff-found-charges", StaffFindPage(found=charges, query="R75 5 November", focus=True), at
    yield "staff-found-none", StaffFindPage(found=FoundRows(), query="van", error="Type something."), at
