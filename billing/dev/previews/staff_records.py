"""Staff pages about the audit log, members and prices, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_mail import StaffPricesPage, UnreachedReaderRow
from billing.web.views.staff_members import MemberRow, RefusedChange, StaffMembersPage
from billing.web.views.staff_records import AuditRow, StaffAuditPage


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    yield from _records()
    yield from _prices()


def _records() -> Iterator[tuple[str, Page, Frame]]:
    line = AuditRow(
        id=7,
        at=NOW,
        by="staff:sipho@swartbergpost.example",
        act="Give money back",
        refused=True,
        reader_id="rdr_01kpb0cz8e2y6",
        subject="ref_01kpb0cz8e2y6",
        reason="This would give back R225.00 incl. VAT.",
        before=(("given back in all", "R0.00 incl. VAT"),),
        after=(("given back in all", "R225.00 incl. VAT"),),
        ip="196.25.1.9",
    )
    audit = StaffAuditPage(
        rows=(
            line,
            replace(line, id=6, refused=False, ip="", subject=None, reader_id=None, before=(), after=()),
        ),
        acts=(("cancel", "Cancel for a reader"), ("refund", "Give money back")),
        words="",
        who="sipho",
        reader="",
        act="refund",
        since="2026-11-01",
        until="",
        refused=True,
        csv="/staff/audit.csv",
        older="/staff/audit?older=6",
    )
    yield "staff-audit", audit, replace(STAFF, path="/staff/audit")
    none = replace(audit, rows=(), older=None, error="A day is written as 2027-03-01.")
    yield "staff-audit-none", none, replace(STAFF, path="/staff/audit")
    person = MemberRow(
        staff_id="stf_1",
        email="nandi@swartbergpost.example",
        role="admin",
        disabled_at=None,
        enrolled=True,
        signed_in=1,
        seen_at=NOW,
        is_this=True,
    )
    other = replace(
        person,
        staff_id="stf_2",
        email=LONG_ADDRESS,
        role="support",
        is_this=False,
        enrolled=False,
        signed_in=0,
        seen_at=None,
    )
    members = StaffMembersPage(
        rows=(person, other, replace(other, staff_id="stf_3", disabled_at=NOW)),
        roles=("support", "finance", "editor", "admin"),
        email=LONG_ADDRESS,
        role="editor",
        error="Choose a role.",
    )
    yield "staff-members", members, replace(STAFF, path="/staff/members")
    admin = replace(
        person, staff_id="stf_4", email="zola@swartbergpost.example", is_this=False, needs_second=True
    )
    waits = "zola@swartbergpost.example, an admin, can’t sign in any more."
    again = "The same waits for approval already."
    twice = RefusedChange(staff_id="stf_4", form="disable", error=again, reason="Left the paper.")
    rows = (person, replace(admin, refused=twice))
    second = replace(members, rows=rows, waiting=(waits,), error=None)
    yield "staff-members-second", second, replace(STAFF, path="/staff/members")
    unreasoned = RefusedChange(staff_id="stf_2", form="role", error="Say why.", role="admin")
    row_refused = replace(members, rows=(person, replace(other, refused=unreasoned)), error=None)
    yield "staff-members-role", row_refused, replace(STAFF, path="/staff/members")


def _prices() -> Iterator[tuple[str, Page, Frame]]:
    untold = UnreachedReaderRow(
        notice_id="pno_1",
        reader_id="rdr_1",
        email=LONG_ADDRESS,
        keeps=PRICE,
        instead_of=Money(8000),
        starts_on=date(2027, 1, 8),
        answer="550 5.1.1 no such mailbox here",
        can_be_seen=True,
    )
    prices = replace(STAFF, path="/staff/prices")
    yield "staff-prices", StaffPricesPage(rows=(untold, replace(untold, can_be_seen=False))), prices
    yield "staff-prices-empty", StaffPricesPage(rows=()), prices
