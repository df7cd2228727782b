"""Bounces and complaints count only if they name a mail of ours, once, and within their proper scope (B1 to B4, B6)."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest

from billing.mail.bounces import (
    BounceKind,
    BounceReport,
    envelope_sender,
    kind_of,
    message_id,
    number_of,
    read_report,
    tag,
)
from billing.newsletters.bounces import ReportOutcome, handle_report
from billing.platform.actors import WORKER
from billing.platform.tokens import Tokens
from tests.support.another_address import change
from tests.support.bounce_reports import arf, dsn
from tests.support.newsroom import Newsroom
from tests.support.signed_in import signed_in

TOKENS = Tokens("one secret of enough length, for tests only")
OTHERS = Tokens("another secret of enough length, of somebody")


NESTED = b"MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=a\r\n" + b"".join(
    b"\r\n--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n" % (depth, depth + 1)
    for depth in range(3000)
).replace(b"--0", b"--a", 1)
"""Parts within parts, deeper than the library reads."""


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
    ("status", "reason"),
    [
        ("5.1.1", BounceKind.HARD),
        ("5.1.2", BounceKind.HARD),
        ("5.1.10", BounceKind.HARD),
        ("5.2.2", BounceKind.SOFT),
        ("4.2.2", BounceKind.SOFT),
        ("4.4.7", BounceKind.SOFT),
        ("5.0.0", BounceKind.SOFT),
        ("5.4.4", BounceKind.SOFT),
        ("5.7.1", BounceKind.POLICY),
        ("5.7.515", BounceKind.POLICY),
        ("5.6.0", BounceKind.POLICY),
        ("5.3.4", BounceKind.POLICY),
        ("", BounceKind.SOFT),
    ],
)
def test_a_status_says_whose_fault_it_is(status: str, reason: BounceKind) -> None:
    assert kind_of(status) is reason


def test_a_report_is_read_from_what_mail_servers_send() -> None:
    sender = envelope_sender(TOKENS, 77, "bounce.example")
    for raw in (
        dsn(sender),
        dsn(f"<{sender.upper()}>"),
        message_from_bytes(dsn(sender), policy=SMTP).as_bytes(),
    ):
        report = read_report(TOKENS, raw)
        assert report is not None
        assert (report.number, report.kind, report.status) == (77, BounceKind.HARD, "5.1.1")
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
        NESTED,
    ],
)
def test_what_is_no_report_about_ours_is_none(raw: bytes) -> None:
    assert read_report(TOKENS, raw) is None


@pytest.mark.parametrize("header", ["To: x <", 'To: "', "To: x@[", "Delivered-To: (((", "Envelope-To: =?"])
def test_a_report_whose_headers_nobody_can_read_is_read_all_the_same(header: str) -> None:
    sender = envelope_sender(TOKENS, 77, "bounce.example")
    raw = dsn("somebody@example.com").replace(b"To: somebody@example.com", header.encode())
    assert read_report(TOKENS, raw) is None
    report = read_report(TOKENS, raw, recipient=sender)
    assert report is not None
    assert report.number == 77


def test_a_mailbox_that_does_not_exist_gets_no_more_newsletters(newsroom: Newsroom) -> None:
    mail, _other = newsroom.send_to(2)
    issue_id = newsroom.world.rows("SELECT id FROM issue")[0]["id"]
    assert newsroom.take(dsn(mail.sender)) is ReportOutcome.NEW
    assert newsroom.suppressions() == [("newsletters", "hard_bounce")]
    assert newsroom.counts(issue_id) == {"sent": 1, "bounced": 1}
    assert newsroom.take(dsn(mail.sender)) is ReportOutcome.KNOWN  # replayed
    assert len(newsroom.world.rows("SELECT 1 FROM bounce_record")) == 1
    newsroom.send()
    assert len(newsroom.arrived_for(mail.recipients[0])) == 1


def test_a_report_about_a_test_mail_or_an_unknown_delivery_changes_nothing(newsroom: Newsroom) -> None:
    for number in (0, 2**40):
        assert (
            newsroom.take(dsn(envelope_sender(newsroom.world.services.site.tokens, number, "b.example")))
            is ReportOutcome.UNKNOWN
        )
    assert newsroom.suppressions() == []


def test_a_full_mailbox_is_given_five_chances_over_two_weeks(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    for issue in range(6):
        newsroom.send()
        arrived = newsroom.arrived_for(address)
        if issue == 5:
            assert len(arrived) == 5
            break
        assert newsroom.take(dsn(arrived[-1].sender, status="5.2.2")) is ReportOutcome.NEW
        assert newsroom.suppressions() == ([("newsletters", "soft_bounces")] if issue == 4 else [])
        newsroom.world.skip_to(newsroom.world.now + timedelta(days=3))


def test_soft_returns_far_apart_or_of_one_issue_are_no_pattern(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    for _ in range(6):
        newsroom.send()
        newsroom.take(dsn(newsroom.arrived_for(address)[-1].sender, status="4.4.7"))
        newsroom.world.skip_to(newsroom.world.now + timedelta(days=4))
    assert newsroom.suppressions() == []
    tokens = newsroom.world.services.site.tokens
    number = number_of(tokens, newsroom.arrived_for(address)[-1].sender.partition("@")[0].removeprefix("b+"))
    with newsroom.world.services.database.begin(
        newsroom.world.services.site, newsroom.world.now, WORKER
    ) as ctx:
        for name in range(8):
            handle_report(ctx, BounceReport(number or 0, BounceKind.SOFT, "5.2.2", f"r{name}"))
    assert newsroom.suppressions() == []


def test_policy_is_never_the_readers_fault(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    for _ in range(6):  # a full mailbox has five chances
        newsroom.send()
        newsroom.take(dsn(newsroom.arrived_for(address)[-1].sender, status="5.7.1"))
        newsroom.world.advance(hours=1)
    assert newsroom.suppressions() == []
    assert len(newsroom.arrived_for(address)) == 6


def test_a_complaint_ends_all_newsletters_and_no_other_mail(newsroom: Newsroom) -> None:
    newsroom.add_reader("thandi@example.com")
    for name in ("first-light", "the-long-read"):
        newsroom.join("thandi@example.com", name)
    issue_id = newsroom.send()
    (mail,) = newsroom.arrived_for("thandi@example.com")
    assert newsroom.take(arf(mail.raw)) is ReportOutcome.NEW
    assert {row["state"] for row in newsroom.world.rows("SELECT state FROM signup")} == {"left"}
    assert {
        row["source"]
        for row in newsroom.world.rows("SELECT source FROM signup_change WHERE to_state = 'left'")
    } == {"complaint"}
    assert newsroom.counts(issue_id) == {"complained": 1}
    assert newsroom.suppressions() == [("newsletters", "complaint")]
    newsroom.send(newsletter="the-long-read")
    assert len(newsroom.arrived_for("thandi@example.com")) == 1

    elsewhere = newsroom.world.browser()
    elsewhere.sign_in("thandi@example.com")  # the link still comes by mail
    assert elsewhere.page.path == "/account"


def test_a_complaint_reaches_a_reader_who_has_another_address_since(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    newsroom.send()
    newsroom.add_reader(address)
    change(newsroom.world, address)
    assert newsroom.take(arf(newsroom.arrived_for(address)[0].raw)) is ReportOutcome.NEW
    assert [row["state"] for row in newsroom.world.rows("SELECT state FROM signup")] == ["left"]


def test_only_a_fresh_double_opt_in_lifts_what_a_complaint_did(newsroom: Newsroom) -> None:
    newsroom.add_reader("thandi@example.com")
    reader = signed_in(newsroom.world, "thandi@example.com")
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light"])
    newsroom.send()
    newsroom.take(arf(newsroom.arrived_for("thandi@example.com")[0].raw))
    reader.get("/newsletters")
    reader.post("/newsletters", newsletter=["first-light"])
    assert "One more step" in reader.page.text
    assert newsroom.suppressions() == [("newsletters", "complaint")]
    newsroom.world.settle()
    reader.get(newsroom.world.mailed_link("thandi@example.com", "/newsletters/confirm/"))
    reader.post("/newsletters/confirm")
    assert newsroom.suppressions() == []
    newsroom.send()
    assert len(newsroom.arrived_for("thandi@example.com")) == 2


def test_what_the_staff_stop_altogether_stops_receipts_too(newsroom: Newsroom) -> None:
    from billing.mail.suppression_models import SuppressionReason
    from billing.mail.suppressions import suppress

    newsroom.add_reader("thandi@example.com")
    services = newsroom.world.services
    with services.database.begin(services.site, newsroom.world.now, WORKER) as ctx:
        suppress(
            ctx,
            "Thandi@example.com",
            scope="all",
            reason=SuppressionReason.STAFF,
            source="a court said so",
        )
    browser = newsroom.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email="thandi@example.com")
    newsroom.world.settle()
    assert newsroom.world.letters() == []
    (row,) = newsroom.world.rows("SELECT state, last_answer FROM message")
    assert row["state"] == "refused"
    assert "stopped all mail" in row["last_answer"]


def test_a_return_settles_a_held_delivery(newsroom: Newsroom) -> None:
    (address,) = newsroom.people(1)
    newsroom.world.smtp.drop("after-dot", times=1)
    issue_id = newsroom.send()
    assert newsroom.counts(issue_id) == {"uncertain": 1}
    newsroom.take(dsn(newsroom.arrived_for(address)[0].sender, status="5.2.2"))
    assert newsroom.counts(issue_id) == {"bounced": 1}


def test_any_text_is_read_without_harm() -> None:
    for cut in range(0, 1200, 37):
        raw = dsn(envelope_sender(TOKENS, 3, "b.example"))[:cut]
        report = read_report(TOKENS, raw)
        assert report is None or report.number == 3
