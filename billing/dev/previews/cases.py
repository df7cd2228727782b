"""The pages about cases and disputes, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.web.views.cases import (
    CaseRow,
    EvidenceGroup,
    StaffCasePage,
    StaffCasesPage,
    StaffClosedCasesPage,
    StaffDisputePage,
)
from billing.web.views.frame import Frame, Page

OPENED = datetime(2026, 11, 5, 3, 0, tzinfo=UTC)
ACT_BY = datetime(2026, 11, 14, 9, 0, tzinfo=UTC)
UNKNOWN = CaseRow(
    case_id="cas_1",
    kind="The acquirer took money that we have no payment for",
    what="Stripe’s charge ch_3PqVtZ2eZvKYlo2C1mXj7rNaPq moved R75.00 incl. VAT, and we have no such charge.",
    opened_at=OPENED,
    reader_id="rdr_01kpb0cz8e2y6",
    theirs=PRICE,
    stands="Waits for us",
    email=LONG_ADDRESS,
)
DISPUTED = CaseRow(
    case_id="cas_2",
    kind="A bank disputes a charge and wants an answer",
    what="The reader’s bank has taken back R75.00 incl. VAT: fraudulent.",
    opened_at=OPENED,
    act_by=ACT_BY,
    stands="Waits for our answer",
    reader_id="rdr_01kpb0cz8e2y6",
    email=LONG_ADDRESS,
)
ANSWERED = replace(
    DISPUTED,
    case_id="cas_3",
    act_by=None,
    stands="Answered: waits for the bank",
    answered_at=NOW,
    answered_by="sipho@swartbergpost.example",
)
CLOSED = replace(
    UNKNOWN,
    ours=Money(7400),
    closed_at=NOW,
    closed_by="staff:sipho@swartbergpost.example",
    reason="A test of the acquirer’s, given back by hand.",
)
GROUPS = (
    EvidenceGroup(
        title="the reader",
        rows=((("email", LONG_ADDRESS), ("reader since", "Mon 21 Sep 2026, 11:00")),),
    ),
    EvidenceGroup(
        title="mails",
        rows=(
            (("at", "Thu 29 Oct 2026, 09:00"), ("mail", "trial notice"), ("to", LONG_ADDRESS)),
            (("at", "Sun 1 Nov 2026, 09:00"), ("mail", "trial notice"), ("to", LONG_ADDRESS)),
        ),
    ),
    EvidenceGroup(title="sign-ins", rows=((("from", "196.25.1.9"), ("device", "Firefox on Linux")),)),
)
DISPUTE = StaffDisputePage(
    reader_id="rdr_01kpb0cz8e2y6",
    dispute_id="dsp_1",
    email=LONG_ADDRESS,
    title="Dispute over R75.00 incl. VAT",
    stands="the bank waits for our answer",
    reason="fraudulent",
    inquiry=False,
    opened_at=OPENED,
    answer_by=ACT_BY,
    decided_at=None,
    sent_at=None,
    payment_id="pay_01kpb0cz8e2y6",
    gateway_ref="du_1PqVtZ2eZvKYlo2CmXj7rNaPq",
    groups=GROUPS,
    may_answer=True,
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    at = replace(STAFF, path="/staff/cases")
    compared = "Our books were compared with the acquirer’s through Wednesday 4 November 2026."
    more = "/staff/cases?after=cas_1"
    cases = StaffCasesPage(rows=(DISPUTED, UNKNOWN, ANSWERED), compared=compared, more=more)
    yield "staff-cases", cases, at
    yield "staff-cases-none", replace(cases, rows=(), more=None), at
    closed = replace(STAFF, path="/staff/cases/closed")
    yield "staff-cases-closed", StaffClosedCasesPage(rows=(CLOSED,)), closed
    yield "staff-cases-closed-none", StaffClosedCasesPage(rows=()), closed
    case = StaffCasePage(
        row=UNKNOWN, groups=GROUPS, link="/staff/readers/rdr_01kpb0cz8e2y6", error="Say why.", draft="It"
    )
    yield "staff-case", case, at
    yield "staff-case-closed", replace(case, row=CLOSED, error=None, link=None), at
    yield "staff-case-dispute", replace(case, row=DISPUTED, error=None, draft=""), at
    reader = replace(STAFF, path="/staff/readers/rdr_01kpb0cz8e2y6")
    yield "staff-dispute", DISPUTE, reader
    inquiry = replace(DISPUTE, inquiry=True, title="Inquiry about R75.00 incl. VAT")
    yield "staff-dispute-inquiry", inquiry, reader
    decided = replace(
        DISPUTE,
        stands="won, the money is ours",
        answer_by=None,
        decided_at=NOW,
        sent_at=NOW,
        may_answer=False,
    )
    yield "staff-dispute-won", decided, reader
    yield (
        "staff-dispute-problem",
        replace(DISPUTE, error="The answer could not be sent.", draft="Read"),
        reader,
    )
