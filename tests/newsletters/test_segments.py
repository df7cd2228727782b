"""A mail joined from segments equals a full rendering (H12, H15)."""

import quopri
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emails
from billing.dev.previews.mails import HOUSE
from billing.mail.mime import UnsafeHeader, unstructured
from billing.mail.segments import Segments, UnsafeValue, compile_mail
from billing.newsletters.compose import IssueCard, IssueContent, Variant, issue_mail
from billing.newsletters.wrap import MARKS, with_marks
from emails.languages import ENGLISH
from tests.support.newsroom import PREHEADER, SOURCE, SUBJECT

CARDS = {
    "the-water-nobody-counted": IssueCard(
        "Environment", "The water nobody counted", "https://example.com/w", True
    )
}
WORDS = IssueContent("First Light", SUBJECT, PREHEADER, SOURCE, CARDS)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="⟦⟧\0\r"), max_size=300)
VALUES = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-._~/:", min_size=1, max_size=200)


def own(name: str) -> dict[str, str]:
    """A recipient's values."""
    return {
        "to": f"{name}@example.com",
        "message-id": f"<n.{name}@example.com>",
        "unsubscribe": f"https://accounts.example.com/u/sgn_{name}.MaC",
        "preferences": f"https://accounts.example.com/newsletters/mine/sgn_{name}.MaC",
    }


def bodies(raw: bytes) -> tuple[str, str]:
    """The two parts of a joined mail, decoded."""
    boundary = re.search(rb'boundary="([^"]+)"', raw)
    assert boundary is not None
    parts = raw.split(b"\r\n--" + boundary[1])
    text, html = (
        quopri.decodestring(part.partition(b"\r\n\r\n")[2]).decode().replace("\r\n", "\n")
        for part in parts[1:3]
    )
    return text, html


def mail(text: str, html: str) -> Segments:
    return compile_mail([("To", MARKS["to"]), ("Subject", "x")], text=text, html=html, marks=MARKS)


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("name", ["a", "sgn-" + "x" * 60, "0.dots..and--dashes"])
def test_an_issue_joined_is_the_issue_rendered_in_full(variant: Variant, name: str) -> None:
    once = with_marks(WORDS, variant, HOUSE, ENGLISH)
    joined = bodies(mail(once.text, once.html).join(own(name)))
    full = emails.render_newsletter(
        issue_mail(
            WORDS, variant, unsubscribe_url=own(name)["unsubscribe"], preferences_url=own(name)["preferences"]
        ),
        HOUSE,
    )
    assert joined[0].strip() == full.text.strip()
    assert joined[1].strip() == full.html.strip()


@settings(max_examples=60)
@given(TEXTS, TEXTS, VALUES, VALUES)
def test_whatever_stands_around_it_a_value_arrives_whole(
    before: str, after: str, first: str, second: str
) -> None:
    text = f"{before}{MARKS['unsubscribe']}{after}{MARKS['preferences']}{MARKS['unsubscribe']}"
    raw = mail(text, text).join({"to": "a@example.com", "unsubscribe": first, "preferences": second})
    wanted = text.replace(MARKS["unsubscribe"], first).replace(MARKS["preferences"], second).rstrip("\n")
    for part in bodies(raw):
        assert part.rstrip("\n") == wanted
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 76
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_break_is_one_on_the_wire(line_break: str) -> None:
    text = line_break.join(["one", "two\0", "", "three", "", ""])
    raw = mail(text, text).join({"to": "a@example.com"})
    assert bodies(raw) == ("one\ntwo\n\nthree\n",) * 2
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|=0[AD0]", raw)


@given(TEXTS, VALUES)
def test_stuffed_is_what_the_wire_wants(words: str, value: str) -> None:
    segments = mail(f".{words}\n.{MARKS['unsubscribe']}\n.", f"{words}{MARKS['unsubscribe']}.\n..")
    values = {"to": "a@example.com", "unsubscribe": value}
    plain, wire = segments.join(values), segments.stuffed().join(values)
    assert wire == re.sub(rb"(?m)^\.", b"..", plain)
    assert b"\r\n.\r\n" not in wire


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a\r\nBcc: x@example.com", "a=b", "<a>", 'a"b', "é", "a\0b"]
)
def test_a_value_that_could_break_out_is_refused(value: str) -> None:
    with pytest.raises(UnsafeValue):
        mail(MARKS["unsubscribe"], "").join({"to": "a@example.com", "unsubscribe": value})
    if " " in value or not value or not value.isprintable():
        with pytest.raises(UnsafeValue):
            mail("", "").join({"to": value})


def test_a_missing_value_is_no_empty_one() -> None:
    with pytest.raises(KeyError):
        mail(MARKS["unsubscribe"], "").join({"to": "a@example.com"})


@given(st.text(max_size=80))
def test_no_subject_adds_a_line_to_the_head(subject: str) -> None:
    try:
        written = unstructured("Subject", subject)
    except UnsafeHeader:
        return
    assert not re.search(r"\r\n(?![ \t])|(?<!\r)\n|\r(?!\n)|\0", written)
    raw = compile_mail([("Subject", written)], text="x", html="x", marks={}).join({})
    assert raw.partition(b"\r\n\r\n")[0].count(b"\r\nContent-Type:") == 1


def test_two_variants_share_nothing() -> None:
    reader, subscriber = (
        with_marks(WORDS, variant, HOUSE, ENGLISH) for variant in (Variant.READER, Variant.SUBSCRIBER)
    )
    assert reader.html != subscriber.html
