"""Pages for signing in, fresh proofs and second approvals, with sample values."""

from collections.abc import Iterator
from dataclasses import replace

from billing.dev.previews.staff import ACT, STAFF
from billing.dev.previews.values import LONG_ADDRESS, NOW, READER, VISITOR
from billing.readers.links import WrongCode
from billing.readers.passkeys import REFUSED
from billing.rules.money import Money
from billing.web.kit.problems import words_of
from billing.web.reader.step_up import ACTS
from billing.web.views.account import (
    AddressQuestionPage,
    ChangeCardPage,
    Mailed,
    ProveAgainPage,
    SignInConfirmPage,
    SignInExpiredPage,
    SignInHerePage,
    SignInPage,
    SignInSentPage,
)
from billing.web.views.frame import Frame, Page
from billing.web.views.passkeys import AddPasskeyPage, PasskeyRow, PasskeysPage
from billing.web.views.staff_passkeys import StaffAddPasskeyPage
from billing.web.views.staff_sign_in import StaffCodePage, StaffProvePage
from billing.web.views.staff_team import (
    ApprovalRow,
    StaffApprovalsPage,
    StaffRecoveryCodesPage,
    StaffSessionRow,
    StaffSessionsPage,
)
from emails.languages import say

REFUND = ApprovalRow(
    kind="refund",
    approval_id="apv_1",
    reader_id="rdr_1",
    asked_by="sipho@swartbergpost.example",
    asked_at=NOW,
    expires_at=NOW,
    reason="Billed twice for the year.",
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


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    yield from _sign_in()
    reader = ProveAgainPage(email=LONG_ADDRESS, act="card", words=ACTS["card"].words)
    yield "prove-again", reader, replace(READER, path="/account/confirm")
    yield "prove-again-passkey", replace(reader, passkey="{}"), replace(READER, path="/account/confirm")
    yield from _passkeys()
    change = ChangeCardPage(action="/card")
    yield "change-card", change, replace(VISITOR, path="/card")
    yield "change-card-of-an-old-mail", replace(change, by_mail=True), replace(VISITOR, path="/card")
    member = StaffProvePage(way="/staff/members", acts=True, kept=(("email", LONG_ADDRESS),))
    yield "staff-prove", member, STAFF
    by_passkey = replace(member, passkey="{}")
    at_code = StaffCodePage(passkey="{}", passkey_error="That passkey did not work here.")
    yield "staff-code-passkey", at_code, replace(VISITOR, path="/staff/sign-in")
    yield "staff-prove-passkey", replace(by_passkey, passkey_error="That passkey did not work here."), STAFF
    wrong = "That isn’t the code, or it has been used."
    yield "staff-prove-file", replace(member, acts=False, demo_code="482915", error=wrong), STAFF
    at = replace(STAFF, path="/staff/approvals")
    both = StaffApprovalsPage(waiting=(REFUND, ADMIN), decided=(PAST, replace(PAST, state="changed")))
    yield "staff-approvals", both, at
    yield "staff-approvals-none", StaffApprovalsPage(), at
    here = StaffSessionRow(
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
    phone = PasskeyRow(passkey_id="spk_1", name="My laptop", created_at=NOW, last_used_at=NOW, backed_up=True)
    mine = StaffSessionsPage(rows=(here, there), codes_left=9, can_add=True)
    yield "staff-sessions", replace(mine, passkeys=(phone, replace(phone, name="M" * 60))), at
    yield "staff-sessions-no-passkeys", mine, at
    adding = StaffAddPasskeyPage(email=LONG_ADDRESS, options="{}")
    yield "staff-passkey-add", adding, at
    failed = "That did not work, and nothing was added. Please try again."
    yield "staff-passkey-add-problem", replace(adding, error=failed), at
    codes = tuple(f"7K3M-{number:04}-QZXV-H2WD" for number in range(10))
    yield "staff-recovery-codes", StaffRecoveryCodesPage(codes=codes), at
    yield "staff-sessions-all", StaffSessionsPage(rows=(here, there), everybody=True), at


def _passkeys() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(READER, path="/account/passkeys")
    phone = PasskeyRow(passkey_id="pky_1", name="My phone", created_at=NOW, last_used_at=NOW, backed_up=True)
    key = replace(phone, passkey_id="pky_2", name="M" * 60, last_used_at=None, backed_up=False)
    yield "passkeys", PasskeysPage(rows=(phone, key), can_add=True), at
    yield "passkeys-enough", PasskeysPage(rows=(phone,), can_add=False), at
    yield "passkeys-none", PasskeysPage(rows=(), can_add=True), at
    yield "passkey-add", AddPasskeyPage(email=LONG_ADDRESS, options="{}"), at
    failed = say("That did not work, and nothing was added. Please try again.")
    yield "passkey-add-problem", AddPasskeyPage(email=LONG_ADDRESS, options="{}", error=failed), at


def _sign_in() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(VISITOR, path="/sign-in")
    yield "sign-in", SignInPage(), at
    with_passkey = SignInPage(passkey="{}", passkey_error=REFUSED)
    yield "sign-in-passkey", with_passkey, at
    question = AddressQuestionPage(action="/sign-in", typed="lerato@gmail.con", suggested="lerato@gmail.com")
    yield "address-question", question, at
    to_subscribe = replace(question, action="/subscribe", plan_id="monthly", typed=LONG_ADDRESS)
    yield "address-question-to-subscribe", to_subscribe, replace(VISITOR, path="/subscribe")
    yield "sign-in-sent", SignInSentPage(), at
    sent = Mailed(to=LONG_ADDRESS, again_in=0)
    yield "sign-in-sent-to", SignInSentPage(sent=sent), at
    mistyped = Mailed(
        to="lerato@gmail.con",
        again_in=43,
        suggested="lerato@gmail.com",
        again_error=say("One moment, please: you can ask for another mail in %(wait)s seconds.", wait=43),
    )
    yield "sign-in-sent-mistyped", SignInSentPage(sent=mistyped), at
    wrong = say(
        "%(first)s %(second)s",
        first=words_of(WrongCode()),
        second=say("You have %(left)s more tries.", left=4),
    )
    yield "sign-in-sent-problem", SignInSentPage(sent=sent, error=wrong), at
    yield "sign-in-here", SignInHerePage(email=LONG_ADDRESS), at
    yield "sign-in-here-problem", SignInHerePage(email=LONG_ADDRESS, error=wrong), at
    yield "sign-in-confirm", SignInConfirmPage(), at
    yield "sign-in-code", SignInConfirmPage(code="40271968"), at
    yield "sign-in-expired", SignInExpiredPage(), at
    yield "sign-in-guessed", SignInExpiredPage(guessed=True), at
