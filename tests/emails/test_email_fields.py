"""Mails are stored as rows: their fields survive the round trip, and invalid values are refused."""

import json
from dataclasses import asdict, replace
from html import unescape
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.dev.previews.mails import HOUSE, samples
from billing.notices.payment import ReceiptMail
from billing.notices.refunds import RefundedMail
from billing.readers.notices import SignedInElsewhereMail, SignInMail
from emails import (
    MAILS,
    Mail,
    UnknownMessage,
    UnsafeLink,
    UnsafeSubject,
    WrongFields,
    load,
    places,
    render,
    store,
)
from emails.fields import hints, mark
from emails.languages import ENGLISH, Language, Text, named, say
from tests.emails.lint import tree
from tests.support.pseudo_language import PSEUDO

ANY_TEXT = st.text(st.characters(), min_size=1, max_size=200)


def receipt() -> ReceiptMail:
    found = samples()["receipt"]
    assert isinstance(found, ReceiptMail)
    return found


@pytest.mark.parametrize("name", samples())
def test_a_message_comes_back_from_its_row(name: str) -> None:
    message = samples()[name]
    back = load(message.kind, json.loads(json.dumps(store(message))))
    assert back == message
    assert type(back) is type(message)
    assert render(back, HOUSE) == render(message, HOUSE)
    assert render(back, HOUSE, PSEUDO) == render(message, HOUSE, PSEUDO), "its texts know their messages"


def test_kinds_are_unique() -> None:
    assert len({mail.__name__ for mail in MAILS.values()}) == len(MAILS) >= 10


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownMessage, match=r"'\.\./secret'; there are .*sign_in_link"):
        load("../secret", {})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"gross": "7500"}, "receipt.gross must be cents as a whole number from 0, not '7500'"),
        ({"gross": 75.0}, "receipt.gross must be cents"),
        ({"gross": True}, "receipt.gross must be cents"),
        ({"gross": -1}, "receipt.gross must be cents"),
        ({"vat": 977}, "do not add up to 7500 cents"),
        ({"issued_on": "16 March 2026"}, "receipt.issued_on must be a day such as '2026-03-16'"),
        ({"issued_on": "20260316"}, "receipt.issued_on must be a day"),
        ({"issued_on": "2026-02-29"}, "receipt.issued_on must be a day"),
        ({"issued_on": None}, "receipt.issued_on must be a day"),
        ({"next_charge_on": 5}, "receipt.next_charge_on must be a day such as '2026-03-16' or None"),
        ({"is_copy": 1}, "receipt.is_copy must be bool"),
        ({"number": None}, "receipt.number must be str"),
        ({"cancel_url": None}, "receipt.cancel_url must be a link"),
        ({"colour": "red"}, r"unknown \['colour'\]"),
    ],
)
def test_wrong_fields_are_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WrongFields, match=complaint):
        load("receipt", asdict(receipt()) | change)


def test_a_missing_field_and_a_third_notice_are_refused() -> None:
    fields = asdict(samples()["trial-notice-first"])
    with pytest.raises(WrongFields, match=r"trial_notice\.which must be 'first' or 'second', not 'third'"):
        load("trial_notice", fields | {"which": "third"})
    del fields["amount"]
    with pytest.raises(WrongFields, match=r"missing \['amount'\]"):
        load("trial_notice", fields)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "//a.example",
        "/account",
        "https://",
        "https://a.example/\nx",
        "http://[",
        "https://a b/",
    ],
)
def test_a_link_that_is_not_on_the_web_is_refused(link: str) -> None:
    with pytest.raises(UnsafeLink, match=r"receipt\.cancel_url"):
        render(replace(receipt(), cancel_url=link), HOUSE)


def test_only_links_and_the_code_may_stand_for_a_secret() -> None:
    assert places(SignInMail) == {"url", "code"}
    assert places(SignedInElsewhereMail) == {"account_url"}
    assert places(ReceiptMail) == {"cancel_url", "account_url"}


@settings(deadline=None)
@given(text=ANY_TEXT, control=st.sampled_from("\r\n\0\x0b\x1b\x85\u2028\u2029\ud800"), at=st.integers(0, 200))
def test_no_line_break_reaches_a_subject(text: str, control: str, at: int) -> None:
    number = text[:at] + control + text[at:]
    with pytest.raises(UnsafeSubject):
        render(replace(receipt(), number=number), HOUSE)
    with pytest.raises(UnsafeSubject):
        render(samples()["ended"], replace(HOUSE, name=number))


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_a_subject_is_one_line_or_refused(text: str) -> None:
    try:
        subject = render(replace(receipt(), number=text), HOUSE).subject
    except UnsafeSubject:
        return
    assert len(subject.splitlines()) == 1
    assert text in subject


def texts_of(message: Mail) -> dict[str, str]:
    """Fields with a text, and not a day or a link; an empty one may leave out a part of the mail."""
    typed = hints(type(message))
    return {
        name: value
        for name, value in vars(message).items()
        if isinstance(value, str) and value and mark(typed[name]) not in ("day", "url")
    }


IN_THE_SUBJECT = ("which", "number", "credit_note_number", "newsletters", "member", "of_month", "title")
"""What a subject can't hold is refused there, with the whole mail. None is free text: numbers are ours, and the names of
newsletters are lines by their table; a member's address and the title of a letter are checked when they are given."""
ONE_OF_A_FEW = ("every", "what", "asked", "effect", "about")
"""Fields that hold one of a few words of ours, and nothing else."""


@settings(deadline=None)
@given(text=ANY_TEXT, name=st.sampled_from(list(samples())))
def test_whatever_a_value_holds_the_mail_stays_whole(text: str, name: str) -> None:
    """Markup in a value is shown as text. The text part never breaks its lines or swallows its links."""
    message = samples()[name]
    fields = {
        field: type(value)(text)
        for field, value in texts_of(message).items()
        if field not in IN_THE_SUBJECT + ONE_OF_A_FEW
    }
    nasty = replace(message, **fields)
    words: dict[str, Any] = {field: text for field in HOUSE.words if field not in ("name", "url")}
    mail = render(nasty, replace(HOUSE, **words))
    plain = render(message, HOUSE)
    assert [node.tag for node in tree(mail.html).all("a", "p", "table", "h1", "h2", "img", "script")] == [
        node.tag for node in tree(plain.html).all("a", "p", "table", "h1", "h2", "img", "script")
    ]
    assert "\0" not in mail.text + mail.html
    assert "\r" not in mail.text + mail.html
    assert all(
        len(line) <= 78 or " " not in line.strip() or len(max(line.split(), key=len)) > 40
        for line in mail.text.split("\n")
    )
    for link in {str(asdict(message)[field]) for field in places(type(message)) - {"code"}}:
        assert (link in mail.text) == (link in plain.text)


@pytest.mark.parametrize("language", [ENGLISH, PSEUDO], ids=lambda language: language.code)
def test_a_line_break_in_what_a_text_holds_becomes_a_space(language: Language) -> None:
    """Programs give the reasons of refunds, and a plan's name is typed."""
    description = say("%(plan)s, one %(period)s", plan="All\x1b\nof it", period=named("period", "month"))
    invoice = render(replace(receipt(), description=description), HOUSE, language)
    assert "All of it, one" in invoice.text
    assert "All of it, one" in invoice.html
    refunded = cast(RefundedMail, samples()["refunded"])
    reason = named("refund reason", "Charged twice.\nhttps://a.example/")
    note = render(replace(refunded, notes=(replace(refunded.notes[0], reason=reason),)), HOUSE, language)
    assert "Charged twice. https://a.example/" in note.text
    assert "Charged twice. https://a.example/" in note.html


def test_markup_in_a_value_is_shown_as_it_is() -> None:
    device = """<script>alert("x")</script>{{ house }}{% raw %}"""
    mail = render(
        SignedInElsewhereMail(Text("now & here"), Text(device), "https://a.example/?a=1&b=2"), HOUSE
    )
    assert "<script" not in mail.html
    assert device in unescape(mail.html)
    assert device in mail.text
    assert 'href="https://a.example/?a=1&amp;b=2"' in mail.html
    assert "https://a.example/?a=1&b=2" in mail.text
