"""Staff pages and the reader's contact form, with sample values."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import segno
from markupsafe import Markup

from billing.dev.demo.staff_sign_in import StaffDemo
from billing.dev.previews.staff_found import NEXT, found_pages
from billing.dev.previews.staff_known import KNOWN
from billing.dev.previews.staff_mail import mail_pages
from billing.dev.previews.values import BUYER, CARD, LONG_ADDRESS, NOW, PRICE, READER, VISITOR
from billing.rules.money import Money
from billing.staff.roles import Role
from billing.web.kit.problems import words_of
from billing.web.reader.contact import Unclear
from billing.web.staff.guard import rooms_of
from billing.web.views.frame import Flash, Frame, Page, StaffFrame
from billing.web.views.requests import (
    ContactPage,
    ContactSentPage,
    RequestConfirmedPage,
    RequestConfirmPage,
    ThreadMessage,
)
from billing.web.views.staff_act import ActField, FirstStep, StaffActPage
from billing.web.views.staff_find import StaffFindPage
from billing.web.views.staff_reader import DeathBanner, HeldRefundRow, PaymentRow, StaffEntry, StaffReaderPage
from billing.web.views.staff_requests import ReaderRequestRow, RequestRow
from billing.web.views.staff_see import StaffSeePage
from billing.web.views.staff_sign_in import StaffCodePage, StaffSignInPage
from emails.languages import Text

STAFF = replace(
    VISITOR,
    path="/staff",
    staff=StaffFrame(email="nandi@swartbergpost.example", role="admin", rooms=rooms_of(Role.ADMIN)),
)
ASKED = datetime(2026, 11, 3, 8, 12, tzinfo=UTC)
CHARGED = datetime(2026, 11, 5, 7, 0, tzinfo=UTC)
REQUEST = RequestRow(
    request_id="req_1",
    reader_id="rdr_1",
    email=LONG_ADDRESS,
    asked="Asked to cancel",
    words="Please cancel. I am moving abroad and will not read the paper any more.",
    received_at=ASKED,
    email_verified=False,
    waits_since=ASKED,
    age="2 days",
    may_ask=True,
    charged_since=PRICE,
    next_charge=PRICE,
    next_at=datetime(2026, 12, 5, 7, 0, tzinfo=UTC),
)
ASKED_THERE = ReaderRequestRow(row=REQUEST, answer_goes=f"goes by mail to {LONG_ADDRESS}")
ACTED = StaffEntry(
    at=NOW,
    kind="staff",
    what="Cancel for a reader",
    by="staff:sipho@swartbergpost.example",
    reason="wrote on the 3rd",
    facts=(),
)
ENTRIES = (
    ACTED,
    StaffEntry(
        at=CHARGED,
        kind="charges",
        what="Charged: R75.00 incl. VAT",
        by="",
        reason="",
        facts=(
            ("tax invoice", "INV-000148"),
            ("payment intent", "pi_3PqVtZ2eZvKYlo2C1mXj7rNa"),
            ("network transaction id", "mcc1234567"),
        ),
    ),
    StaffEntry(
        at=CHARGED,
        kind="mails",
        what="Mail “Receipt with tax invoice”: accepted by the mail server",
        by="",
        reason="",
        facts=(("to", LONG_ADDRESS), ("answer", "250 2.0.0 kept")),
        link="/staff/readers/rdr_1/mails/msg_1",
    ),
    StaffEntry(
        at=ASKED,
        kind="sign-ins",
        what="Signed in, Firefox on Linux",
        by="reader",
        reason="",
        facts=(("from", "196.25.1.9"),),
    ),
)
PERSON = StaffReaderPage(
    reader_id="rdr_01kpb0cz8e2y6",
    email=LONG_ADDRESS,
    external_id="crm-20417",
    since=datetime(2026, 9, 21, 9, 0, tzinfo=UTC),
    address_proved=True,
    standing="Your subscription is paid through Friday 4 December 2026.",
    access="Everything is open: the subscription is paid.",
    next_charge="R75.00 incl. VAT on Saturday 5 December 2026.",
    card=CARD,
    customer_ref="cus_R4nD0m5tRiN6",
    another_trial=True,
    acts=tuple((f"/staff/readers/rdr_1/{act}", act) for act in ("Cancel", "Extend", "Write a note")),
    payments=(
        PaymentRow(
            payment_id="pay_1",
            number="INV-000148",
            paid_at=CHARGED,
            gross=PRICE,
            left=PRICE,
            send="/staff/readers/rdr_1/send-invoice?chosen=inv_1",
            file="/staff/readers/rdr_1/invoices/inv_1.pdf",
        ),
        PaymentRow(payment_id="pay_0", number="INV-000017", paid_at=CHARGED, gross=PRICE, left=Money(0)),
    ),
    may_refund=True,
    may_correct=True,
    may_see_as=True,
    known=KNOWN,
    buyer=BUYER,
    passkeys="2 of 10, last used on 21 November 2026, 08:12",
    requests=(ASKED_THERE,),
    entries=ENTRIES,
    kinds=(
        "subscription",
        "charges",
        "refunds",
        "mails",
        "consents",
        "staff",
        "notes",
        "requests",
        "sign-ins",
        "addresses",
    ),
    only=None,
    page=1,
    more=True,
)
ACT = StaffActPage(
    reader_id="rdr_1",
    email=LONG_ADDRESS,
    title="Cancel as of the moment the reader asked",
    action="/staff/readers/rdr_1/cancel",
    hidden=(),
    fields=(
        ActField(
            name="asked",
            label="First asked at",
            kind="moment",
            value="2026-11-03T10:12:00",
            hint="The reader’s request came then: “Please cancel.”",
        ),
        ActField(
            name="when",
            label="Reading stops",
            kind="choice",
            value="period_end",
            choices=(("period_end", "at the end of what is free or paid for"), ("now", "now")),
        ),
    ),
    words=(
        "It counts from Tuesday 3 November 2026 at 10:12.",
        "R75.00 incl. VAT goes back, charged on Thursday 5 November 2026 (INV-000148). A credit note follows by mail.",
        "Reading ends now. A mail confirms it.",
        "The charge of R75.00 incl. VAT on Saturday 5 December 2026 is not made, nor any after it.",
    ),
    button="Cancel and give back R75.00 incl. VAT",
    version="0123456789.abc",
)


def pages() -> Iterator[tuple[str, Page, Frame]]:
    """Name, view and frame of each preview."""
    yield from _sign_in()
    yield from _readers()
    yield "contact", ContactPage(), VISITOR
    yield "contact-problem", ContactPage(email="x", kind="cancel", error=words_of(Unclear())), VISITOR
    yield "contact-signed-in", ContactPage(email=LONG_ADDRESS, known=True), READER
    yield "contact-sent", ContactSentPage(at=NOW), VISITOR
    yield "contact-cancelled", ContactSentPage(at=NOW, effect="cancelled", words=True), READER
    yield "contact-was-cancelled", ContactSentPage(at=NOW, effect="was_cancelled", words=True), READER
    confirm = RequestConfirmPage(received_at=ASKED, words="Please stop my subscription.")
    yield "request-confirm", confirm, VISITOR
    cancelled = RequestConfirmedPage(received_at=ASKED, effect="cancelled", returned=Money(7500))
    yield "request-confirmed", cancelled, VISITOR
    yield "request-confirmed-owed", replace(cancelled, returned=None, owed=Money(7500), read=True), VISITOR
    yield "request-confirmed-later", replace(cancelled, returned=None, later=True), VISITOR
    yield "request-confirmed-was", replace(cancelled, effect="was_cancelled", returned=None), VISITOR
    yield "request-confirmed-nothing", replace(cancelled, effect="nothing_runs", returned=None), VISITOR
    yield "contact-nothing-runs", ContactSentPage(at=NOW, effect="nothing_runs"), READER


def _sign_in() -> Iterator[tuple[str, Page, Frame]]:
    drawn = segno.make("otpauth://totp/sample").svg_inline(scale=4, border=3, dark="#1d1a16", light="#fff")
    picture = Markup(drawn)  # noqa: S704 - drawn by our own code
    at = replace(VISITOR, path="/staff/sign-in")
    yield "staff-sign-in", StaffSignInPage(), at
    yield "staff-sign-in-problem", StaffSignInPage(email="x", error=words_of(Unclear())), at
    yield "staff-code", StaffCodePage(error="That isn’t the code, or it has been used."), at
    yield "staff-code-demo", StaffCodePage(demo_code="482915"), at
    yield (
        "staff-code-first",
        StaffCodePage(picture=picture, key="JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"),
        at,
    )
    members = (
        ("stf_1", "admin@swartbergpost.example", "admin", "do everything"),
        ("stf_2", "support@swartbergpost.example", "support", "find readers, cancel for a reader"),
    )
    yield "staff-demo", StaffDemo(token="demo.x", members=members), at  # noqa: S106 - a sample


def _correct_invoice() -> StaffActPage:
    fields = (
        ActField(name="name", label="Full name or company", kind="text", value=BUYER.name),
        ActField(name="address", label="Postal address", kind="lines", value=BUYER.address),
        ActField(
            name="vat_number",
            label="VAT number",
            kind="text",
            value=BUYER.vat_number or "",
            hint="Only of a vendor: ten digits, beginning with 4.",
            is_optional=True,
        ),
    )
    words = (
        "INV-000148 is made out to nobody by name.",
        "A credit note over R75.00 incl. VAT takes it back, and a tax invoice with the next number, the same value and the same date"
        f" of supply takes its place. It is made out to {BUYER.name}, {BUYER.in_one_line}.",
        "No money moves, and the VAT of each period stays as it is. Both documents go to the reader by mail.",
        "The reader’s tax invoices from now on have these details too.",
    )
    title = "Correct the buyer’s details on a tax invoice"
    return replace(ACT, title=title, fields=fields, words=words, button="Correct INV-000148")


def _merge() -> StaffActPage:
    accounts = (("this", "rdr_01kpb0cz8e2y6, this one"), ("other", "rdr_01kq77s0d1h2m, the other one"))
    addresses = (("this", LONG_ADDRESS), ("other", "thandi.work@example.org"))
    fields = (
        ActField(
            name="other",
            label="The other account",
            kind="text",
            value="thandi.work@example.org",
            hint="Its address, or its id. Make sure that both are the same person’s: ask by both addresses.",
        ),
        ActField(name="stays", label="The account that stays", kind="choice", value="this", choices=accounts),
        ActField(
            name="keeps",
            label="The address that stays",
            kind="choice",
            value="this",
            choices=addresses,
            hint="The reader must be able to read its mail: sign-in links go there.",
        ),
    )
    words = (
        f"rdr_01kpb0cz8e2y6 ({LONG_ADDRESS}) stays. It has the live subscription.",
        f"The reader signs in with {LONG_ADDRESS} from now on. thandi.work@example.org opens no account any more:"
        " a sign-in with it begins an empty one.",
        "rdr_01kq77s0d1h2m (thandi.work@example.org) stays empty, and is never a customer again. This can’t be undone.",
        "1 subscription, 3 payments move, with the invoices, consents and history that belong to them.",
        "Metered articles of both count together, each once: 3 this month.",
        "Both addresses get a mail that says so.",
    )
    title = "Merge with another account of this person"
    return replace(ACT, title=title, fields=fields, words=words, button="Merge the accounts")


def _readers() -> Iterator[tuple[str, Page, Frame]]:
    at = replace(STAFF, path="/staff/readers/rdr_1")
    yield "staff-find", StaffFindPage(), STAFF
    yield from found_pages(STAFF)
    yield "staff-next", NEXT, at
    see = StaffSeePage(reader_id="rdr_1", email=LONG_ADDRESS, ends_at=None, minutes=15, error="Say why.")
    yield "staff-see", see, at
    yield "staff-see-open", replace(see, ends_at=NOW, error=None), at
    yield "staff-reader", PERSON, at
    said = "It is still there. When does it go away?"
    replied = ThreadMessage(
        at=NOW,
        words=said,
        by_reader=True,
        by="reader",
        mail_from="x@elsewhere.example",
        mail_from_reader=False,
        attachments="statement.pdf",
    )
    taken = replace(REQUEST, claimed_by="sipho@swartbergpost.example", claimed_at=NOW)
    later = replace(ASKED_THERE, row=taken, latest=replied, short_answer=False)
    other = replace(taken, request_id="req_2", asked="Asked something")
    mine = replace(later, row=other, latest=replace(replied, mail_from=None, attachments=""), is_mine=True)
    yield "staff-reader-replied", replace(PERSON, requests=(later, mine)), at
    death = DeathBanner(
        recorded_at=NOW, by="staff:sipho@swartbergpost.example", name="A. van Wyk", email=LONG_ADDRESS
    )
    asked = ReaderRequestRow(
        row=replace(REQUEST, may_ask=False),
        answer_goes=f"goes by mail to A. van Wyk, {LONG_ADDRESS}, as the reader has died",
    )
    yield "staff-reader-died", replace(PERSON, death=death, requests=(asked,)), at
    held = HeldRefundRow(refund_id="ref_1", amount=PRICE, until=NOW)
    yield "staff-reader-held", replace(PERSON, held=(held,), requests=()), at
    with_end = replace(PERSON, death=death, held=(replace(held, with_end=True),), requests=())
    yield "staff-reader-died-held", with_end, at
    bare = replace(
        PERSON,
        card=None,
        customer_ref=None,
        payments=(),
        requests=(),
        entries=(),
        only="notes",
        acts=(),
        page=2,
    )
    yield "staff-reader-bare", bare, replace(at, flash=Flash(text=Text("Done.")))
    yield "staff-act", ACT, at
    meanwhile = replace(ACT, meanwhile=ACTED, error="Something has happened since you looked.", version=None)
    yield "staff-act-changed", meanwhile, at
    days = ActField(name="days", label="Days", kind="days", value="7")
    email = ActField(name="email", label="New address", kind="text", value="thandi@gmail.con")
    words = (
        "Look twice: did the reader mean thandi@gmail.com?",
        "The address changes once it is confirmed there.",
    )
    yield (
        "staff-act-address",
        replace(ACT, title="Change the email address", fields=(email,), words=words, button="Change it"),
        at,
    )
    longer = replace(ACT, title="Extend", fields=(days,), words=("The trial runs on.",), button="Give 7 days")
    yield "staff-act-days", longer, at
    yield "staff-act-correct-invoice", _correct_invoice(), at
    yield "staff-act-merge", _merge(), at
    first = (FirstStep("/staff/readers/rdr_1/cancel?when=now", "Cancel now for rdr_1"),)
    both = "Both accounts have a live subscription. End one of them now first, and give back what is owed for it."
    refused = replace(_merge(), words=(), version=None, error=both, first=first)
    yield "staff-act-merge-refused", refused, at
    yield from mail_pages(at)
