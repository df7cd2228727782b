"""The pages about readers' requests, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from billing.dev.previews.staff import REQUEST, STAFF
from billing.dev.previews.values import NOW, PRICE, READER
from billing.rules.canned_answers import FIELDS
from billing.staff.open_requests import ANSWERED_BY_ACT
from billing.staff.requests import CardNumberIn
from billing.web.views.frame import Frame, Page
from billing.web.views.requests import OwnRequestPage, OwnRequestRow, OwnRequestsPage, ThreadMessage
from billing.web.views.staff_answers import CannedAnswerRow, StaffAnswersPage
from billing.web.views.staff_requests import (
    EarlierWithdrawal,
    SettledRow,
    StaffRequestPage,
    StaffRequestsPage,
    StaffSettledPage,
    StepRow,
)

QUESTION = "I see two charges on my statement. Did I pay twice?"
ANSWER = ThreadMessage(
    at=NOW,
    words="We have charged your card once.\n\nThe other line is your bank's own reservation.",
    by_reader=False,
    by="staff:sipho@swartbergpost.example",
)
REPLY = replace(ANSWER, words="It is still there. When does it go away?", by_reader=True, by="reader")
STEPS = (
    StepRow(
        at=NOW,
        by="staff:sipho@swartbergpost.example",
        what="took it over",
        words="nandi@swartbergpost.example",
    ),
    StepRow(
        at=NOW,
        by="staff:sipho@swartbergpost.example",
        what="wrote a note",
        words="Called her.\nShe calls back on Friday.",
    ),
)
KINDS = (
    ("wrong_charge", "Says a charge is wrong"),
    ("access", "Can’t sign in or read"),
    ("other", "Asked something"),
)
MAILED = replace(REPLY, mail_from="thandi@example.com", mail_from_reader=True, attachments="statement.pdf")
FORGED = replace(REPLY, mail_from="somebody@elsewhere.example", words="Please send the money to my new card.")


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
    goes = f"goes by mail to {REQUEST.email}"
    asked_again = StaffRequestPage(row=again, answer_goes=goes)
    yield "staff-request-to-withdraw", asked_again, at
    asked = replace(REQUEST, confirm_asked_at=NOW)
    yield "staff-request-asked", replace(asked_again, row=asked), at
    confirmed = replace(asked, email_verified=True, confirmed_at=NOW, may_ask=False)
    yield "staff-request-confirmed", replace(asked_again, row=confirmed), at
    held = replace(again, age="3 days", claimed_by="sipho@swartbergpost.example", claimed_at=NOW)
    listed = StaffRequestsPage(rows=(REQUEST, held, unknown), kinds=KINDS, more="/staff/requests?after=x")
    yield "staff-requests", listed, at
    yield "staff-requests-mine-none", replace(listed, rows=(), whose="mine", more=None), at
    yield "staff-requests-none", StaffRequestsPage(rows=()), at
    answered = SettledRow(
        request_id="req_1",
        reader_id=None,
        email=REQUEST.email,
        asked="Says a charge is wrong",
        words=QUESTION,
        received_at=NOW,
        settled_at=NOW,
        by="staff:sipho@swartbergpost.example",
        what="answered it",
        answer=ANSWER.words,
    )
    by_act = replace(answered, reader_id="rdr_1", words="", what="closed it", answer=ANSWERED_BY_ACT)
    settled = StaffSettledPage(rows=(answered, by_act), kinds=KINDS, more="/staff/requests?after=req_1")
    yield "staff-requests-settled", settled, at
    yield "staff-requests-settled-none", StaffSettledPage(rows=()), at
    waiting = StaffRequestPage(row=REQUEST, answer_goes=goes, error="Write a few words.")
    question = replace(
        held,
        complained=PRICE,
        complained_at=NOW,
        withdrawal=None,
        earlier=(),
        asked="Says a charge is wrong",
        words=QUESTION,
        may_ask=False,
    )
    at_work = StaffRequestPage(
        row=question,
        answer_goes=goes,
        steps=STEPS,
        is_mine=True,
        kind="wrong_charge",
        kinds=KINDS,
        may_close=True,
    )
    yield "staff-request-mine", at_work, at
    filled = replace(
        at_work,
        answers=(("can_1", "Two charges"), ("can_2", "How to cancel")),
        draft="We charge R75.00 incl. VAT on Saturday 5 December 2026.",
    )
    yield "staff-request-filled", filled, at
    answers = StaffAnswersPage(
        rows=(
            CannedAnswerRow(
                answer_id="can_1", title="Two charges", words="We charge {next charge} on {next charge day}."
            ),
        ),
        fields=tuple(FIELDS.items()),
    )
    yield "staff-answers", answers, at
    refused = replace(answers, title="Price", words="It is {amount}.", error="There is no field {amount}.")
    yield "staff-answers-refused", refused, at
    yield "staff-answers-none", replace(answers, rows=()), at
    unread = (
        f"Mail to {REQUEST.email} is stopped: nobody would read an answer. Close the request without a mail."
    )
    yield "staff-request-unread", replace(at_work, row=unknown, is_mine=False, nobody_reads=unread), at
    yield "staff-request-held", replace(at_work, is_mine=False, holder_id="stf_1"), at
    yield "staff-request", waiting, at
    closed = replace(
        waiting,
        row=replace(REQUEST, waits_since=None),
        error="Somebody has answered it.",
        messages=(ANSWER,),
        closed_at=NOW,
        closed_by="staff:sipho@swartbergpost.example",
        draft="Dear reader",
    )
    yield "staff-request-answered", closed, at
    done = replace(closed, messages=(), closing_act=ANSWERED_BY_ACT, error=None, draft="")
    yield "staff-request-done", done, at
    back = replace(REQUEST, waits_since=NOW, may_ask=False)
    yield (
        "staff-request-replied",
        replace(closed, row=back, messages=(ANSWER, REPLY), error=None, draft=""),
        at,
    )
    by_mail = replace(closed, row=back, messages=(ANSWER, MAILED, FORGED), error=None, draft="")
    yield "staff-request-replied-by-mail", by_mail, at
    yield from _own()


def _own() -> Iterator[tuple[str, Page, Frame]]:
    """A reader's own requests."""
    at = replace(READER, path="/account/requests")
    waits = OwnRequestRow(
        request_id="req_2", kind="wrong_charge", words=QUESTION, received_at=NOW, waits_since=NOW
    )
    answered = replace(waits, request_id="req_1", kind="other", waits_since=None, answered_at=NOW)
    done = replace(waits, request_id="req_0", kind="cancel", words="", waits_since=None)
    yield "own-requests", OwnRequestsPage(rows=(waits, answered, done)), at
    yield "own-requests-none", OwnRequestsPage(rows=()), at
    yield "own-request", OwnRequestPage(row=waits, signed_in=True), at
    thread = OwnRequestPage(row=answered, signed_in=True, messages=(ANSWER,))
    yield "own-request-answered", thread, at
    yield "own-request-replied", replace(thread, row=waits, messages=(ANSWER, REPLY)), at
    by_mail = replace(thread, row=waits, messages=(ANSWER, MAILED, FORGED))
    yield "own-request-replied-by-mail", by_mail, at
    yield "own-request-done", OwnRequestPage(row=done, signed_in=False, done_at=NOW), at
    problem = replace(thread, draft="My card is 4242 4242 4242 4242.", error=CardNumberIn().detail)
    yield "own-request-problem", problem, at
