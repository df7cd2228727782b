"""The pages to sign in on, that ask who is there, and for a second person, with sample values."""

from collections.abc import Iterator
from dataclasses import replace

from billing.dev.previews.staff import ACT, STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, READER, VISITOR
from billing.rules.money import Money
from billing.web import views
from billing.web.reader.step_up import ACTS

REFUND = views.ApprovalRow(
    kind="refund",
    approval_id="apv_1",
    reader_id="rdr_1",
    asked_by="sipho@swartbergpost.example",
    asked_at=NOW,
    expires_at=NOW,
    why="Billed twice for the year.",
    amount=Money(120000),
    words=ACT.words,
    state="waiting",
    may_approve=True,
)
ADMIN = replace(
    REFUND,
    approval_id="apv_2",
    kind="new_admin",
    reader_id=None,
    amount=None,
    words=(f"{LONG_ADDRESS} may do everything here, as an admin.",),
    may_approve=False,
)
PAST = replace(REFUND, state="done", decided_by=LONG_ADDRESS, decided_at=NOW)


def pages() -> Iterator[tuple[str, views.Page, views.Frame]]:
    """Name, view and frame of each."""
    yield from _sign_in()
    reader = views.ProveAgain(email=LONG_ADDRESS, act="card", words=ACTS["card"].words)
    yield "prove-again", reader, replace(READER, path="/account/confirm")
    change = views.ChangeCard(action="/card")
    yield "change-card", change, replace(VISITOR, path="/card")
    yield "change-card-of-an-old-mail", replace(change, by_mail=True), replace(VISITOR, path="/card")
    member = views.StaffProve(way="/staff/members", acts=True, kept=(("email", LONG_ADDRESS),))
    yield "staff-prove", member, STAFF
    wrong = "That isn’t the code, or it has been used."
    yield "staff-prove-file", replace(member, acts=False, demo_code="482915", error=wrong), STAFF
    at = replace(STAFF, path="/staff/approvals")
    both = views.StaffApprovals(waiting=(REFUND, ADMIN), decided=(PAST, replace(PAST, state="changed")))
    yield "staff-approvals", both, at
    yield "staff-approvals-none", views.StaffApprovals(), at
    here = views.StaffSessionRow(
        session_id="sts_2",
        email=LONG_ADDRESS,
        device="Firefox on Linux",
        ip="196.25.1.9",
        started_at=NOW,
        seen_at=NOW,
        is_this=True,
    )
    there = replace(here, session_id="sts_1", device="Chrome on Android", is_this=False)
    at = replace(STAFF, path="/staff/sessions")
    yield "staff-sessions", views.StaffSessions(rows=(here, there)), at
    yield "staff-sessions-all", views.StaffSessions(rows=(here, there), everybody=True), at


def _sign_in() -> Iterator[tuple[str, views.Page, views.Frame]]:
    at = replace(VISITOR, path="/sign-in")
    yield "sign-in", views.SignIn(), at
    yield "sign-in-sent", views.SignInSent(), at
    yield "sign-in-sent-problem", views.SignInSent(error="That code is not right. 4 tries are left."), at
    yield "sign-in-confirm", views.SignInConfirm(), at
    yield "sign-in-code", views.SignInConfirm(code="40271968"), at
    yield "sign-in-expired", views.SignInExpired(), at
