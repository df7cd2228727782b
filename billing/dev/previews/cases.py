"""The pages about cases and disputes, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from billing.dev.previews.staff import STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, PRICE
from billing.rules.money import Money
from billing.web.views.cases import (
    CaseLink,
    CaseRow,
    EvidenceGroup,
    StaffCasePage,
    StaffCasesPage,
    StaffClosedCasesPage,
)
from billing.web.views.dispute_counts import DisputeCountRow, StaffDisputeCountsPage
from billing.web.views.disputes import AnswerText, StaffDisputePage
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
    what="The reader’s bank has taken back R75.00 incl. VAT: fraudulent, for the card’s owner says that they didn’t pay.",
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
WORDS = (
    "R75.00 incl. VAT was charged on 1 November 2026, 09:00 to the Visa ending in 4242, for a month from 1 November 2026 to"
    " 30 November 2026 (tax invoice INV-000012).\nThe reader agreed to this price on 18 October 2026, 11:00, from the network"
    " address 196.25.1.9.\nThe reader came signed in 14 times, last on 4 November 2026, 07:12."
)
ANSWER = (
    AnswerText(name="words", label="Why the charge was right", text=WORDS, most=5000),
    AnswerText(name="product", label="What was sold", text="Monthly subscription, read online.", most=1000),
    AnswerText(
        name="service_date",
        label="The period that the charge paid for",
        text="1 November 2026 to 30 November 2026",
        most=200,
    ),
    AnswerText(
        name="not_cancelled",
        label="Why it was not cancelled before",
        text="Nobody had asked to cancel before the charge.",
        most=2000,
    ),
    AnswerText(
        name="terms_shown",
        label="How the terms were agreed to, and their text",
        text="On 18 October 2026, 11:00 the reader agreed, before any charge, from 196.25.1.9 (Firefox on Linux).\n\nThe terms as"
        " they were then:\nVersion 3, SHA-256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        cut=True,
    ),
    AnswerText(
        name="access_log",
        label="Sign-ins, and articles read while they were counted, by day",
        text="21 September 2026, 11:00: signed in from 196.25.1.9 (Firefox on Linux); came 14 times.\n\nNo article is on record for the"
        " period of this charge, 1 November 2026 to 30 November 2026.",
    ),
    AnswerText(name="email", label="The reader’s address", text=LONG_ADDRESS),
)
SYSTEM_AT = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
DISPUTE = StaffDisputePage(
    reader_id="rdr_01kpb0cz8e2y6",
    dispute_id="dsp_1",
    email=LONG_ADDRESS,
    title="Dispute over R75.00 incl. VAT",
    stands="the bank waits for our answer",
    reason="fraudulent, for the card’s owner says that they didn’t pay",
    inquiry=False,
    opened_at=OPENED,
    answer_by=ACT_BY,
    system_at=SYSTEM_AT,
    decided_at=None,
    sent_at=None,
    sent_by=None,
    answer=ANSWER,
    pdf="/staff/readers/rdr_01kpb0cz8e2y6/disputes/dsp_1/evidence.pdf",
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
        row=UNKNOWN,
        groups=GROUPS,
        link=CaseLink(address="/staff/readers/rdr_01kpb0cz8e2y6", words="Open the reader’s page"),
        error="Say why.",
        draft="It",
    )
    yield "staff-case", case, at
    yield "staff-case-closed", replace(case, row=CLOSED, error=None, link=None), at
    dispute = "/staff/readers/rdr_01kpb0cz8e2y6/disputes/dsp_1"
    disputed = replace(
        case, row=DISPUTED, link=CaseLink(address=dispute, words="Answer the bank"), error=None, draft=""
    )
    yield "staff-case-dispute", disputed, at
    waits = CaseLink(address=dispute, words="See the dispute", quiet=True)
    yield "staff-case-dispute-answered", replace(disputed, row=ANSWERED, link=waits), at
    counted = DisputeCountRow(
        name="November 2026",
        opened=12,
        inquiries=3,
        won=5,
        lost=4,
        undecided=3,
        share_won="56%",
        amount_lost=Money(30000),
        charges=1804,
        rate="0.67%",
        at_risk=True,
    )
    none = DisputeCountRow(
        name="October 2026",
        opened=0,
        inquiries=0,
        won=0,
        lost=0,
        undecided=0,
        share_won=None,
        amount_lost=Money(0),
        charges=0,
    )
    counts = StaffDisputeCountsPage(
        months=(counted, none), schemes=(replace(counted, name="Visa"),), alarm="0.50%", excessive="1.50%"
    )
    yield "staff-disputes", counts, replace(STAFF, path="/staff/disputes")
    yield (
        "staff-disputes-none",
        replace(counts, months=(none,), schemes=()),
        replace(STAFF, path="/staff/disputes"),
    )
    reader = replace(STAFF, path="/staff/readers/rdr_01kpb0cz8e2y6")
    yield "staff-dispute", DISPUTE, reader
    inquiry = replace(DISPUTE, inquiry=True, title="Inquiry about R75.00 incl. VAT")
    yield "staff-dispute-inquiry", inquiry, reader
    decided = replace(
        DISPUTE,
        stands="won, the money is ours",
        answer_by=None,
        system_at=None,
        decided_at=NOW,
        sent_at=NOW,
        sent_by="the system",
        may_answer=False,
    )
    yield "staff-dispute-won", decided, reader
    yield (
        "staff-dispute-problem",
        replace(DISPUTE, error="The answer could not be sent.", documents=False),
        reader,
    )
