"""`billing mail check`: what a newsletter's signature covers, line by line (H1, H2). The signatures are written by hand."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.mail.dkim_check import COVERED, NotAMail, check
from tests.support.dkim import signature

HEADERS = {
    "Received": "from relay.example by mx.mailbox.example; Mon, 1 Mar 2027 08:00:02 +0000",
    "From": "First Light from The Paper <letters@news.paper.example>",
    "To": "operator@mailbox.example",
    "Reply-To": "The Paper <hello@paper.example>",
    "Subject": "=?utf-8?q?Die_dam=2C_m=C3=B4re?=",
    "Date": "Mon, 01 Mar 2027 10:00:00 +0200",
    "Message-ID": "<n.0.abc@news.paper.example>",
    "List-Id": "First Light <first-light.newsletters.news.paper.example>",
    "List-Unsubscribe": "\r\n <https://accounts.paper.example/u/dGVzdA.abc>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Feedback-ID": "test:first-light:newsletters:0123456789ab",
}


def delivered(*first: str, without: str = "", **other: str) -> bytes:
    """The raw source: `first` are whole headers on top; names in `other` are written with _ for -."""
    headers = HEADERS | {name.replace("_", "-"): value for name, value in other.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if name != without]
    return ("\r\n".join([*first, *lines]) + "\r\n\r\nGood morning.\r\n").encode()


def faults(raw: bytes) -> list[str]:
    return [one.words for one in check(raw) if one.holds is False]


def report(raw: bytes) -> str:
    return "\n".join(one.words for one in check(raw))


@pytest.mark.parametrize("domain", ["news.paper.example", "paper.example", "News.Paper.Example."])
def test_a_signature_of_our_domain_or_the_one_above_is_what_mailboxes_want(domain: str) -> None:
    raw = delivered(signature(domain))
    assert faults(raw) == []
    assert "List-Unsubscribe-Post is signed" in report(raw)
    assert "selector s2027" in report(raw)


@pytest.mark.parametrize(
    "domain", ["relay.example", "other.paper.example", "apaper.example", "example", "x.news.paper.example"]
)
def test_anybody_elses_signature_is_none(domain: str) -> None:
    [fault] = faults(delivered(signature(domain)))
    assert fault == f"no DKIM-Signature is of news.paper.example or a domain above it; there is: {domain}"


def test_no_signature_at_all() -> None:
    assert faults(delivered()) == [
        "no DKIM-Signature is of news.paper.example or a domain above it; there is none at all"
    ]


@pytest.mark.parametrize("name", COVERED)
def test_each_header_that_the_signature_leaves_out_is_told(name: str) -> None:
    covers = " : ".join(one for one in (*COVERED, "To", "Message-ID") if one != name)
    assert faults(delivered(signature(covers=covers))) == [f"{name} is not in h=, so anybody may change it"]
    assert faults(delivered(signature(covers=covers.lower()), signature())) == [], (
        "one whole signature is enough"
    )


def test_two_signatures_are_not_added_up() -> None:
    one, other = signature(covers="From:Subject:Date:Feedback-ID"), signature(covers=":".join(COVERED[3:5]))
    assert len(faults(delivered(one, other))) == 2


def test_a_relays_own_message_id_is_no_fault() -> None:
    raw = delivered(signature(covers=":".join(COVERED)))
    assert faults(raw) == []
    assert "Message-ID is not signed, which is no fault" in report(raw)


def test_what_a_relay_took_away_or_added_is_told() -> None:
    assert faults(delivered(signature(), without="Feedback-ID")) == ["Feedback-ID is missing"]
    assert faults(delivered(signature(), without="List-Unsubscribe-Post")) == [
        "List-Unsubscribe-Post is missing",
        "List-Unsubscribe-Post is there 0 times, not as List-Unsubscribe=One-Click",
    ]
    twice = delivered("List-Unsubscribe: <https://relay.example/u/1>", signature())
    assert faults(twice) == ["List-Unsubscribe is there 2 times, with 2 https addresses in all"]
    post = delivered("List-Unsubscribe-Post: List-Unsubscribe=One-Click", signature())
    assert [fault[:32] for fault in faults(post)] == ["List-Unsubscribe-Post is there 2"]


@pytest.mark.parametrize(
    ("value", "https"),
    [
        ("<mailto:stop@paper.example>", 0),
        ("<http://paper.example/u/1>", 0),
        ("<https://a.example/1>, <https://b.example/1>", 2),
    ],
)
def test_one_https_address_is_wanted(value: str, https: int) -> None:
    assert faults(delivered(signature(), List_Unsubscribe=value)) == [
        f"List-Unsubscribe is there once, with {https} https addresses in all"
    ]
    fine = "<https://a.example/1>, <mailto:stop@paper.example>"
    assert faults(delivered(signature(), List_Unsubscribe=fine)) == []


def test_a_signature_of_part_of_the_text_is_told() -> None:
    assert faults(delivered(signature(more=" l=12;"))) == [
        "the signature has l=: text can be added below what was signed"
    ]


@pytest.mark.parametrize(
    ("said", "verdict", "holds"),
    [
        ("mx.example; dkim=pass header.d=news.paper.example", "dkim=pass for news.paper.example", True),
        ("mx.example;\r\n\tdkim=pass header.i=@paper.example header.s=s1; spf=pass", "dkim=pass", True),
        ("mx.example; dkim=fail (body; altered) header.d=paper.example", "dkim=fail", False),
        ("mx.example; dkim=none", "dkim=none", False),
        (
            "mx.example; dkim=pass header.d=relay.example; dkim=fail header.d=paper.example",
            "says dkim=fail for paper.example",
            False,
        ),
        ("mx.example; dkim=pass header.d=relay.example", "no Authentication-Results", None),
        ("mx.example; spf=pass", "no Authentication-Results", None),
    ],
)
def test_what_the_mailbox_says_of_the_signature(said: str, verdict: str, holds: bool | None) -> None:
    raw = delivered(f"Authentication-Results: {said}", "Authentication-Results: x; dkim=pass", signature())
    last = check(raw)[-1]
    assert verdict in last.words
    assert last.holds is holds


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe\x00",
        b"Good morning.\n",
        b"Subject: x\r\n\r\nFrom: a@b.example\r\n",
        b"From: nobody\r\n\r\n",
        b"From: a@b.example, c@d.example\r\n\r\n",
        b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n",
        "From: a@b…\r\n\r\n".encode(),
    ],
)
def test_what_is_no_mail_is_refused(raw: bytes) -> None:
    with pytest.raises(NotAMail):
        check(raw)


def test_a_mailbox_files_first_line_and_bare_line_ends_are_fine() -> None:
    raw = b"From relay@example.com Mon Mar  1 08:00:00 2027\n" + delivered(signature()).replace(
        b"\r\n", b"\n"
    )
    assert faults(raw) == []


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(junk: bytes) -> None:
    for raw in (
        junk,
        b"From: a@b.example\r\nDKIM-Signature: " + junk,
        b"Authentication-Results:" + junk + delivered(),
    ):
        with suppress(NotAMail):
            assert check(raw)
