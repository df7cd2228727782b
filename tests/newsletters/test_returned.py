"""What comes back is believed only where it names a mail of ours, once, and reaches as far as it should (B1 to B4, B6)."""

import re
from email import message_from_bytes
from email.policy import SMTP

import pytest

from billing.mail.bounces import (
    Report,
    Returned,
    envelope_sender,
    kind_of,
    message_id,
    number_of,
    read_report,
    tag,
)
from billing.newsletters.returned import Taken, take
from billing.tokens import Tokens
from tests.newsletters.room import Room
from tests.newsletters.test_relay import suppressed
from tests.sink import Received

TOKENS = Tokens("one secret of enough length, for tests only")
OTHERS = Tokens("another secret of enough length, of somebody")


def dsn(
    to: str, *, action: str = "failed", status: str = "5.1.1", final: str = "rfc822;x@readers.example"
) -> bytes:
    """A delivery report as mail servers write it (RFC 3464)."""
    lines = [
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "I'm sorry to have to inform you ...",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        "Arrival-Date: Mon, 1 Mar 2027 10:00:00 +0200",
        "",
        f"Final-Recipient: {final}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; 550 {status} what it is",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        "Subject: The dam",
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def arf(original: bytes, *, kind: str = "abuse", blacked_out: bool = True) -> bytes:
    """A complaint as mailbox providers send it (RFC 5965), addresses blacked out."""
    if blacked_out:
        original = re.sub(rb"(?m)^To: .*\r\n", b"To: redacted@redacted.invalid\r\n", original)
    head = (
        "From: feedback@provider.example\r\nTo: complaints@paper.example\r\nSubject: FW: your mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="f"\r\n\r\n'
        "--f\r\nContent-Type: text/plain\r\n\r\nThis is a complaint.\r\n"
        f"--f\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: P/1\r\nVersion: 1\r\n\r\n"
        "--f\r\nContent-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + original + b"\r\n--f--\r\n"


def sent(room: Room, count: int = 1) -> list[Received]:
    """An issue that has arrived, a mail for each."""
    people = room.people(count)
    room.send()
    return [room.arrived_for(address)[-1] for address in people]


def taken(room: Room, raw: bytes, **options: str) -> Taken | None:
    """As `billing bounces take` does."""
    tokens = room.world.parts.office.tokens
    report = read_report(tokens, raw, **options)
    if report is None:
        return None
    with room.world.parts.database.transaction() as session:
        return take(session, tokens, report, room.world.now)


@pytest.mark.parametrize("number", [1, 35, 36, 10**6, 2**62])
def test_a_tag_names_its_delivery_whatever_happens_to_its_case(number: int) -> None:
    assert number_of(TOKENS, tag(TOKENS, number)) == number
    assert number_of(TOKENS, tag(TOKENS, number).upper()) == number
    assert number_of(OTHERS, tag(TOKENS, number)) is None
    assert len(envelope_sender(TOKENS, number, "b.example").partition("@")[0]) <= 64
    assert number_of(TOKENS, message_id(TOKENS, number, "b.example")[3:].partition("@")[0]) == number


@pytest.mark.parametrize(
    "forged", ["", ".", "1", "1.", ".x", "1." + "0" * 24, "-1.x", "zz zz.1", "1.é", "١.x"]
)
def test_a_forged_tag_names_nothing(forged: str) -> None:
    assert number_of(TOKENS, forged) is None


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("5.1.1", Returned.HARD),
        ("5.1.2", Returned.HARD),
        ("5.1.10", Returned.HARD),
        ("5.2.2", Returned.SOFT),
        ("4.2.2", Returned.SOFT),
        ("4.4.7", Returned.SOFT),
        ("5.0.0", Returned.SOFT),
        ("5.4.4", Returned.SOFT),
        ("5.7.1", Returned.POLICY),
        ("5.7.515", Returned.POLICY),
        ("5.6.0", Returned.POLICY),
        ("5.3.4", Returned.POLICY),
        ("", Returned.SOFT),
    ],
)
def test_a_status_says_whose_fault_it_is(status: str, why: Returned) -> None:
    assert kind_of(status) is why


def test_a_report_is_read_from_what_mail_servers_send() -> None:
    sender = envelope_sender(TOKENS, 77, "bounce.example")
    for raw in (
        dsn(sender),
        dsn(f"<{sender.upper()}>"),
        message_from_bytes(dsn(sender), policy=SMTP).as_bytes(),
    ):
        report = read_report(TOKENS, raw)
        assert report is not None
        assert (report.number, report.why, report.status) == (77, Returned.HARD, "5.1.1")
    by_pipe = read_report(TOKENS, dsn("postmaster@paper.example"), recipient=sender)
    assert by_pipe is not None
    assert by_pipe.number == 77


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\xff\r\n\r\n",
        b"To: b@example.com\r\n\r\nI am on holiday.\r\n",
        dsn(envelope_sender(OTHERS, 77, "bounce.example")),
        dsn("b+1.000000000000000000000000@bounce.example"),
        dsn("somebody@example.com"),
        dsn(envelope_sender(TOKENS, 77, "bounce.example"), action="delayed", status="4.4.1"),
        dsn(envelope_sender(TOKENS, 77, "bounce.example"), action="delivered", status="2.0.0"),
        dsn(envelope_sender(TOKENS, 77, "bounce.example"), action="relayed", status="2.0.0"),
        arf(b"Message-ID: <somebody@else.example>\r\n\r\nx"),
        arf(f"Message-ID: {message_id(TOKENS, 7, 'x.example')}\r\n\r\nx".encode(), kind="not-spam"),
        dsn(envelope_sender(TOKENS, 77, "b.example")).replace(b"message/delivery-status", b"text/plain"),
    ],
)
def test_what_is_no_report_about_ours_is_none(raw: bytes) -> None:
    assert read_report(TOKENS, raw) is None


def test_a_mailbox_that_does_not_exist_gets_no_more_newsletters(room: Room) -> None:
    mail, _other = sent(room, 2)
    issue_id = room.world.rows("SELECT id FROM issue")[0]["id"]
    assert taken(room, dsn(mail.sender)) is Taken.NEW
    assert suppressed(room) == [("newsletters", "hard_bounce")]
    assert room.counts(issue_id) == {"sent": 1, "bounced": 1}
    assert taken(room, dsn(mail.sender)) is Taken.KNOWN  # replayed
    assert len(room.world.rows("SELECT 1 FROM returned_mail")) == 1
    room.send()
    assert len(room.arrived_for(mail.recipients[0])) == 1


def test_a_report_about_a_test_mail_or_a_vanished_delivery_changes_nothing(room: Room) -> None:
    for number in (0, 4711):
        assert (
            taken(room, dsn(envelope_sender(room.world.parts.office.tokens, number, "b.example")))
            is Taken.UNKNOWN
        )
    assert suppressed(room) == []


def test_a_full_mailbox_is_given_five_chances_over_two_weeks(room: Room) -> None:
    (address,) = room.people(1)
    for issue in range(6):
        room.send()
        arrived = room.arrived_for(address)
        if issue == 5:
            assert len(arrived) == 5
            break
        assert taken(room, dsn(arrived[-1].sender, status="5.2.2")) is Taken.NEW
        assert suppressed(room) == ([("newsletters", "soft_bounces")] if issue == 4 else [])
        room.world.advance(days=3)


def test_soft_returns_far_apart_or_of_one_issue_are_no_pattern(room: Room) -> None:
    (address,) = room.people(1)
    for _ in range(6):
        room.send()
        taken(room, dsn(room.arrived_for(address)[-1].sender, status="4.4.7"))
        room.world.advance(days=4)
    assert suppressed(room) == []
    tokens = room.world.parts.office.tokens
    number = number_of(tokens, room.arrived_for(address)[-1].sender.partition("@")[0].removeprefix("b+"))
    with room.world.parts.database.transaction() as session:
        for name in range(8):
            take(session, tokens, Report(number or 0, Returned.SOFT, "5.2.2", f"r{name}"), room.world.now)
    assert suppressed(room) == []


def test_policy_is_never_the_readers_fault(room: Room) -> None:
    (address,) = room.people(1)
    for _ in range(8):
        room.send()
        taken(room, dsn(room.arrived_for(address)[-1].sender, status="5.7.1"))
        room.world.advance(hours=1)
    assert suppressed(room) == []
    assert len(room.arrived_for(address)) == 8


def test_a_complaint_ends_all_newsletters_and_no_other_mail(room: Room) -> None:
    room.world.reader("thandi@example.com")
    reader = room.world.browser()
    reader.sign_in("thandi@example.com")
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light", "the-long-read"])
    issue_id = room.send()
    (mail,) = room.arrived_for("thandi@example.com")
    assert taken(room, arf(mail.raw)) is Taken.NEW
    assert {row["state"] for row in room.world.rows("SELECT state FROM signup")} == {"left"}
    assert {
        row["how"] for row in room.world.rows("SELECT how FROM signup_change WHERE to_state = 'left'")
    } == {"complaint"}
    assert room.counts(issue_id) == {"complained": 1}
    assert suppressed(room) == [("newsletters", "complaint")]
    room.send(newsletter="the-long-read")
    assert len(room.arrived_for("thandi@example.com")) == 1

    elsewhere = room.world.browser()
    elsewhere.sign_in("thandi@example.com")  # the link still comes by mail
    assert elsewhere.page.path == "/account"


def test_only_a_fresh_double_opt_in_lifts_what_a_complaint_did(room: Room) -> None:
    room.world.reader("thandi@example.com")
    reader = room.world.browser()
    reader.sign_in("thandi@example.com")
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light"])
    room.send()
    taken(room, arf(room.arrived_for("thandi@example.com")[0].raw))
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light"])
    assert "One more step" in reader.page.text
    assert suppressed(room) == [("newsletters", "complaint")]
    room.world.settle()
    reader.get(room.world.mailed_link("thandi@example.com", "/newsletters/confirm/"))
    reader.post("/newsletters/confirm")
    assert suppressed(room) == []
    room.send()
    assert len(room.arrived_for("thandi@example.com")) == 2


def test_what_the_staff_stop_altogether_stops_receipts_too(room: Room) -> None:
    from billing.mail.models import SuppressionReason
    from billing.mail.suppressions import suppress

    room.world.reader("thandi@example.com")
    with room.world.parts.database.transaction() as session:
        suppress(
            session,
            room.world.parts.office.tokens,
            "Thandi@example.com",
            scope="all",
            reason=SuppressionReason.STAFF,
            source="a court said so",
            at=room.world.now,
        )
    browser = room.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email="thandi@example.com")
    room.world.settle()
    assert room.world.letters() == []
    (row,) = room.world.rows("SELECT state, last_answer FROM message")
    assert row["state"] == "refused"
    assert "stopped all mail" in row["last_answer"]


def test_a_return_settles_a_held_delivery(room: Room) -> None:
    (address,) = room.people(1)
    room.world.sink.drop("after-dot", times=1)
    issue_id = room.send()
    assert room.counts(issue_id) == {"uncertain": 1}
    taken(room, dsn(room.arrived_for(address)[0].sender, status="5.2.2"))
    assert room.counts(issue_id) == {"bounced": 1}


def test_any_text_is_read_without_harm() -> None:
    for cut in range(0, 1200, 37):
        raw = dsn(envelope_sender(TOKENS, 3, "b.example"))[:cut]
        report = read_report(TOKENS, raw)
        assert report is None or report.number == 3
