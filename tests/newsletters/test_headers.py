"""The headers of newsletters, in the bytes that reach the relay (H1 to H18)."""

import re
from email.utils import parsedate_to_datetime

import pytest

from billing.mail.bounces import number_of
from billing.newsletters.compose import MOST_BYTES
from tests.emails.lint import problems
from tests.support.fake_smtp import Received
from tests.support.newsroom import HEADERS, PREHEADER, SOURCE, SUBJECT, Newsroom, headers_of, parsed, parts_of


@pytest.fixture
def mails(newsroom: Newsroom) -> list[Received]:
    """Two variants' worth of a finished issue, with an umlaut and a dot at the beginning of a line."""

    def send() -> list[Received]:
        newsroom.people(2)
        newsroom.add_reader("thandi@example.com", subscribed=True)
        newsroom.join("thandi@example.com")
        newsroom.send(
            source=SOURCE + "\n.hidden files\n\nÛmlauts – and a line of one word: " + "x" * 1200,
            subject="Die dam, môre",
        )
        return newsroom.arrived()

    return newsroom.world.once("an issue with awkward words reaches two readers and a subscriber", send)


def test_every_header_stands_once_and_says_what_it_must(newsroom: Newsroom, mails: list[Received]) -> None:
    assert len(mails) == 3
    site = newsroom.world.services.site
    for mail in mails:
        headers = headers_of(mail)
        assert {name: len(headers.get(name, [])) for name in HEADERS} == dict.fromkeys(HEADERS, 1)
        assert not headers.keys() & {"Bcc", "Cc", "Auto-Submitted", "Return-Path", "Sender"}  # H9, H10
        assert headers["To"] == list(mail.recipients)
        assert headers["From"] == ["First Light from The Swartberg Post <letters@news.swartbergpost.example>"]
        assert headers["Reply-To"] == ["The Swartberg Post <hello@swartbergpost.example>"]
        assert headers["List-Id"] == ["First Light <first-light.newsletters.news.swartbergpost.example>"]
        assert headers["List-Unsubscribe-Post"] == ["List-Unsubscribe=One-Click"]
        assert re.fullmatch(
            rf"<{re.escape(newsroom.world.url)}/u/[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{{32}}>",
            headers["List-Unsubscribe"][0],
        )
        issue, list_, stream, sender = headers["Feedback-ID"][0].split(":")
        assert (list_, stream) == ("first-light", "newsletters")
        assert issue.startswith("iss_")
        assert 5 <= len(sender) <= 15
        at = parsedate_to_datetime(headers["Date"][0])
        assert at == newsroom.world.now
        assert headers["Date"][0].endswith("+0200")
        tagged = re.fullmatch(
            r"<n\.([0-9a-z]+\.[0-9a-f]{24})@news\.swartbergpost\.example>", headers["Message-ID"][0]
        )
        assert tagged is not None
        assert number_of(site.tokens, tagged[1])
    assert len({tuple(headers_of(mail)["Feedback-ID"]) for mail in mails}) == 1
    for name in ("Message-ID", "List-Unsubscribe"):
        assert len({tuple(headers_of(mail)[name]) for mail in mails}) == 3


def test_no_link_holds_an_address(mails: list[Received]) -> None:
    for mail in mails:
        for part in (*parts_of(mail), *headers_of(mail)["List-Unsubscribe"]):
            for url in re.findall(r"https?://[^\s\"<>]+", part):
                assert "@" not in url
                assert "%40" not in url
                assert mail.recipients[0].partition("@")[0] not in url


def test_the_bytes_are_seven_bit_lines_of_a_fitting_length(mails: list[Received]) -> None:
    for mail in mails:
        assert mail.raw.isascii()
        assert b"\0" not in mail.raw
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail.raw)
        body = mail.raw.partition(b"\r\n\r\n")[2]
        assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998
        assert max(len(line) for line in body.split(b"\r\n")) <= 76
        assert mail.raw.count(b"Content-Transfer-Encoding: quoted-printable\r\n") == 2


def test_text_comes_first_html_last_and_both_say_the_same(mails: list[Received]) -> None:
    for mail in mails:
        message = parsed(mail)
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert str(message["Subject"]) == "Die dam, môre"
        text, html = parts_of(mail)
        for words in ("Good morning.", ".hidden files", "Ûmlauts – and", "x" * 1200, "Kransrivier"):
            assert words in text
            assert words in html
        for sender in (
            "Swartberg Post Media (Pty) Ltd",
            "14 Kerk Street",
            "hello@swartbergpost.example",
            "+27 49 000 0100",
        ):
            assert sender in text  # C2, C4: who sends it, and where to reach them
        assert len(html.encode()) <= MOST_BYTES
        assert all(len(line) <= 78 or " " not in line.strip() for line in text.split("\n"))


def test_the_look_keeps_the_rules_of_every_mail(newsroom: Newsroom) -> None:
    newsroom.people(1)
    newsroom.send(source=SOURCE.replace("[61 per cent](https://example.com/dam)", "61 per cent"))
    (mail,) = newsroom.arrived()
    html = parts_of(mail)[1]
    assert problems(html, SUBJECT) == []
    first = re.sub(r"<[^>]+>", " ", html.partition("<body")[2].partition(">")[2]).strip()
    assert first.startswith(PREHEADER)  # H18


def test_other_mail_is_no_newsletter(newsroom: Newsroom) -> None:
    newsroom.add_reader("thandi@example.com")
    browser = newsroom.world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email="thandi@example.com")
    newsroom.world.settle()
    (mail,) = newsroom.world.smtp.received
    headers = headers_of(mail)
    assert headers["Auto-Submitted"] == ["auto-generated"]
    assert not headers.keys() & {"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"}
    assert headers["From"] != ["First Light from The Swartberg Post <letters@news.swartbergpost.example>"]
