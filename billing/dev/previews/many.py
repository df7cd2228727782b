"""Staff pages of acts on many readers and of outages, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW
from billing.rules.bulk_action import BulkState
from billing.rules.money import Money
from billing.web.views.bulk import (
    BulkCount,
    BulkLineRow,
    BulkRow,
    StaffBulkPage,
    StaffManyNewPage,
    StaffManyPage,
)
from billing.web.views.frame import Frame, Page
from billing.web.views.outages import OutageFound, StaffOutagesPage
from billing.web.views.staff_act import ActField

MEMBER = "nandi@swartbergpost.example"
MADE = datetime(2026, 11, 5, 9, 30, tzinfo=UTC)
KINDS = (
    ("days", "Give days"),
    ("refund", "Give money back"),
    ("cancel", "Cancel"),
    ("plan", "Change the plan"),
    ("mail", "Write a mail"),
)
ROW = BulkRow(
    action_id="blk_1",
    what="Give money back: The whole charge goes back",
    made_by=MEMBER,
    made_at=MADE,
    state="is being done",
)
LINE = BulkLineRow(
    reader_id="rdr_1",
    email=LONG_ADDRESS,
    state="to be done",
    words="R75.00 incl. VAT of R75.00 incl. VAT (INV-000148) goes back to Visa ending in 4242.",
    amount=Money(7500),
)
REFUSED = BulkLineRow(
    reader_id="rdr_2",
    email="kobus@example.com",
    state="refused",
    refused=True,
    words="This reader has paid nothing that could go back.",
)
PREVIEW = StaffBulkPage(
    action_id="blk_1",
    title="Give money back",
    made_by=MEMBER,
    made_at=MADE,
    chosen="All who were charged between Thursday 5 November 2026 at 07:00 and Thursday 5 November 2026 at 09:00.",
    summary=(
        "Give money back, for 1\u00a0204 readers: The whole charge goes back.",
        "In all R90 300.00 incl. VAT goes back, at most R75.00 incl. VAT to one.",
    ),
    state=BulkState.PREVIEWED,
    counts=(
        BulkCount(value="ready", words="to be done", lines=1204, amount=Money(9_030_000)),
        BulkCount(value="refused", words="refused", lines=3),
    ),
    total=1207,
    finished=3,
    may_start=True,
    acts=("give-up",),
    second=True,
    reader_reads=True,
    reasons=((REFUSED.words, 2), ("The bank has taken this charge back already.", 1)),
    show="ready",
    rows=(LINE, replace(LINE, email="thandi@example.com")),
    more="/staff/many/blk_1?only=ready&after=rdr_1",
)
RUNNING = replace(
    PREVIEW,
    state=BulkState.RUNNING,
    counts=(
        BulkCount(value="ready", words="to be done", lines=801, amount=Money(6_007_500)),
        BulkCount(value="done", words="done", lines=403, amount=Money(3_022_500)),
        BulkCount(value="refused", words="refused", lines=3),
    ),
    finished=406,
    may_start=False,
    acts=("stop",),
    reason="Charged twice on Thursday morning.",
    started_at=NOW,
)
LETTER = replace(
    PREVIEW,
    title="Write a mail",
    chosen="From a pasted list. 2 entries that fit no reader were left out.",
    summary=("Write a mail, for 2 readers: The mail “The paper is back”.",),
    counts=(BulkCount(value="ready", words="to be done", lines=2),),
    letter=("We are sorry: the site was away on Thursday morning.", "Everything reads again."),
    rows=(replace(LINE, words="The mail “The paper is back” goes to thandi@example.com.", amount=None),),
    reasons=(),
    more=None,
    second=False,
    reader_reads=False,
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    at = replace(STAFF, path="/staff/many")
    rows = (
        ROW,
        replace(ROW, action_id="blk_2", what="Write a mail: The mail “The paper is back”", state="done"),
    )
    yield "staff-many", StaffManyPage(kinds=KINDS, rows=rows, older="/staff/many?before=blk_1"), at
    yield "staff-many-none", StaffManyPage(kinds=KINDS[1:3]), at
    days = StaffManyNewPage(
        kind="days",
        title="Give days: many readers",
        who=f"{LONG_ADDRESS}\nkobus@exampel.com",
        fields=(
            ActField(name="days", label="Days", kind="days", value="7"),
            ActField(
                name="also",
                label="Readers without a running subscription",
                kind="choice",
                value="no",
                choices=(("no", "refuse them"), ("yes", "give them complimentary days")),
            ),
        ),
    )
    yield "staff-many-new", days, at
    unknown = replace(
        days,
        unknown=("kobus@exampel.com", "crm-7"),
        error="Some of these fit no reader. Correct them, or leave them out.",
    )
    yield "staff-many-new-unknown", unknown, at
    mail = (
        ActField(name="subject", label="Subject", kind="text", value="The paper is back", most=100),
        ActField(
            name="text", label="Words", kind="lines", value="We are sorry.", most=5000, hint="Plain words."
        ),
    )
    yield (
        "staff-many-new-mail",
        replace(days, kind="mail", title="Write a mail: many readers", fields=mail),
        at,
    )
    yield "staff-many-preview", PREVIEW, at
    yield "staff-many-changed", replace(PREVIEW, changed=12, changed_at=NOW), at
    yield "staff-many-problem", replace(PREVIEW, second=False, error="Tick the box.", reason="It was"), at
    yield "staff-many-mail", LETTER, at
    yield (
        "staff-many-asked",
        replace(
            RUNNING,
            state=BulkState.ASKED,
            acts=(),
            started_at=None,
            approval_until=NOW,
        ),
        at,
    )
    yield "staff-many-running", RUNNING, at
    checking = replace(PREVIEW, state=BulkState.CHECKING, may_start=False)
    yield "staff-many-checking", checking, at
    stopped = replace(RUNNING, state=BulkState.STOPPED, acts=("resume", "give-up"))
    yield "staff-many-stopped", stopped, at
    done = replace(RUNNING, state=BulkState.DONE, acts=(), ended_at=NOW, show="refused", rows=(REFUSED,))
    yield "staff-many-done", done, at
    outage = replace(STAFF, path="/staff/outages")
    yield "staff-outages", StaffOutagesPage(), outage
    found = OutageFound(
        since=MADE,
        until=NOW,
        subscribed=10_000,
        charges=1207,
        charged=Money(9_052_500),
        more_subscribed=True,
        more_charges=False,
    )
    known = StaffOutagesPage(
        since="2026-11-05T11:30", until="2026-11-05T13:00", found=found, kinds=KINDS[:2], days="1"
    )
    yield "staff-outages-found", known, outage
    yield (
        "staff-outages-problem",
        replace(known, found=None, error="Give two moments that have passed."),
        outage,
    )
