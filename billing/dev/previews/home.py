"""Members' first pages, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from billing.dev.previews.operators import PAUSED
from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.rules.staff_alerts import AlertKind
from billing.staff.home.lines import HomeLine, HomePart
from billing.staff.roles import Role
from billing.web.staff.guard import rooms_of
from billing.web.views.frame import Frame, Page
from billing.web.views.staff_alerts import AlertRow, StaffAlertsPage
from billing.web.views.staff_home import StaffHomePage

REQUESTS = HomePart(
    name="requests",
    title="Requests",
    nothing="No request is waiting.",
    lines=(
        HomeLine(
            what="12 requests wait for an answer",
            link="/staff/requests",
            note="3 have replied",
            age="the oldest for 3 days",
        ),
        HomeLine(
            what="Asked to cancel",
            link="/staff/requests/req_1",
            note=LONG_ADDRESS,
            age="3 days",
            amount=PRICE,
            after_amount="incl. VAT charged since",
            urgent=True,
        ),
        HomeLine(
            what="Says a charge is wrong",
            link="/staff/requests/req_2",
            note="thandi@example.com, has replied",
            age="2 hours",
            before_at="charged next on",
            at=NOW + timedelta(days=4),
            amount=PRICE,
        ),
    ),
)
MONEY = HomePart(
    name="money",
    title="Money",
    nothing="No dispute, approval or difference waits, and no reader is owed money.",
    lines=(
        HomeLine(
            what="A bank disputes a charge",
            link="/staff/readers/rdr_1/disputes/dsp_1",
            note=LONG_ADDRESS,
            before_at="answer by",
            at=NOW + timedelta(days=2),
            amount=PRICE,
            urgent=True,
        ),
        HomeLine(
            what="2 refunds are owed to readers by bank transfer",
            link="/staff/owed",
            age="the oldest for 9 days",
            amount=Money(15000),
            urgent=True,
        ),
        HomeLine(
            what="1 approval waits for a second member",
            link="/staff/approvals",
            age="the oldest for 5 hours",
            amount=Money(22500),
        ),
        HomeLine(
            what="1 unexplained difference with the acquirer’s books",
            link="/staff/cases",
            age="the oldest for 1 day",
        ),
    ),
)
MONTH = HomePart(
    name="month",
    title="November 2026, to date",
    nothing="Nothing was charged this month yet.",
    lines=tuple(
        HomeLine(what=what, link="/staff/books?month=2026-11", amount=Money(cents), after_amount=after)
        for what, cents, after in (
            ("Charged", 1_842_500, "incl. VAT"),
            ("Refunded", 37_500, "incl. VAT"),
            ("VAT", 235_435, "to pay over"),
            ("Net", 1_569_565, "excl. VAT"),
        )
    ),
)
NEWSLETTERS = HomePart(
    name="newsletters",
    title="Newsletters",
    nothing="No issue goes out today.",
    lines=(
        HomeLine(
            what="The water nobody counted",
            link="/staff/newsletters/iss_1",
            note="The Morning Post was sent, 4120 recipients",
            before_at="since",
            at=NOW - timedelta(hours=3),
        ),
        HomeLine(
            what="The Morning Post",
            link="/staff/newsletters",
            note="31 signed up and 4 left in the last seven days",
        ),
    ),
)
ARTICLES = HomePart(
    name="articles",
    title="Articles",
    nothing="Nothing is open to everyone out of turn.",
    lines=(
        HomeLine(
            what="Open to everyone: the whole site",
            link="/staff/articles",
            note="Flood warning for the lower valley.",
            before_at="until",
            at=NOW + timedelta(hours=20),
            urgent=True,
        ),
    ),
)
MACHINERY = HomePart(
    name="machinery",
    title="Machinery",
    nothing="Everything runs.",
    lines=(
        HomeLine(what="A worker is at work", before_at="last heard of", at=NOW),
        HomeLine(what="Billing runs finish", before_at="the last", at=NOW),
        HomeLine(
            what="1 promise is broken",
            link="/staff/cases",
            before_at="checked",
            at=NOW - timedelta(hours=6),
            urgent=True,
        ),
        HomeLine(
            what="41 mails wait to be sent",
            link="/staff/settings",
            note="the checks of the settings try the mail server",
            age="the oldest for less than a minute",
        ),
    ),
)
QUIET = tuple(replace(part, lines=()) for part in (MACHINERY, REQUESTS, MONEY, NEWSLETTERS, ARTICLES, MONTH))


def _of(role: Role) -> Frame:
    assert STAFF.staff is not None
    return replace(STAFF, staff=replace(STAFF.staff, role=role.value, rooms=rooms_of(role)))


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    admin = StaffHomePage(parts=(MACHINERY, REQUESTS, MONEY, NEWSLETTERS, ARTICLES, MONTH), may_find=True)
    yield "staff-home", admin, STAFF
    yield "staff-home-quiet", replace(admin, parts=QUIET), STAFF
    support = StaffHomePage(parts=(REQUESTS,), may_find=True)
    yield "staff-home-support", support, _of(Role.SUPPORT)
    yield "staff-home-first", replace(support, lacks_codes=True), _of(Role.SUPPORT)
    finance = StaffHomePage(parts=(MONEY, MONTH, REQUESTS), may_find=True)
    yield "staff-home-finance", finance, _of(Role.FINANCE)
    editor = StaffHomePage(parts=(NEWSLETTERS, ARTICLES), may_find=False)
    yield "staff-home-editor", editor, _of(Role.EDITOR)
    rows = tuple(
        AlertRow(kind=kind.value, words=kind.words, chosen=kind is not AlertKind.REQUEST_WAITS)
        for kind in AlertKind
    )
    at = replace(STAFF, path="/staff/alerts")
    alerts = StaffAlertsPage(choices=rows, email="nandi@swartbergpost.example")
    yield "staff-alerts", alerts, at
    yield "staff-alerts-none", replace(alerts, choices=()), at
    quiet = replace(support, parts=QUIET[1:2])
    yield "staff-paused", replace(quiet, paused=PAUSED), STAFF
    yield "staff-paused-nothing", replace(quiet, paused=replace(PAUSED, waiting=0)), STAFF
    yield "staff-silent", replace(quiet, silent_since=NOW - timedelta(minutes=20)), STAFF
    yield "staff-no-run", replace(quiet, no_run_since=NOW - timedelta(minutes=40)), STAFF
