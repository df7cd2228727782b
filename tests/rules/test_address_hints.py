"""Mistyped domains: what is asked, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.address_hints import COMMON, ENDINGS, OTHERS, slips, suggestion

words = st.text(alphabet="abcdeghilmo.z", max_size=12)
names = st.text(alphabet="abcdefghijklmnopqrstuvwxyz.+", min_size=1, max_size=12)
domains = st.sampled_from([*COMMON, *sorted(OTHERS)])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lerato@gmail.con", "lerato@gmail.com"),
        ("lerato@gmial.com", "lerato@gmail.com"),
        ("lerato@gmai.com", "lerato@gmail.com"),
        ("lerato@gmaill.com", "lerato@gmail.com"),
        ("lerato@gmail.cm", "lerato@gmail.com"),
        ("lerato@gmal.co", "lerato@gmail.com"),
        ("lerato@GMIAL.com", "lerato@gmail.com"),
        (" Lerato.M@gnail.com ", "Lerato.M@gmail.com"),
        ("lerato@hotmial.com", "lerato@hotmail.com"),
        ("lerato@outlok.com", "lerato@outlook.com"),
        ("lerato@yaho.com", "lerato@yahoo.com"),
        ("lerato@iclod.com", "lerato@icloud.com"),
        ("lerato@mweb.co.z", "lerato@mweb.co.za"),
        ("lerato@mweb.coza", "lerato@mweb.co.za"),
        ("lerato@telkomsa.met", "lerato@telkomsa.net"),
        ("lerato@vodamial.co.za", "lerato@vodamail.co.za"),
        ("lerato@webmail.co.xa", "lerato@webmail.co.za"),
        ("lerato@lantic.nt", "lerato@lantic.net"),
        ("lerato@paper.con", "lerato@paper.com"),
        ("lerato@school.co.z", "lerato@school.co.za"),
    ],
)
def test_a_slip_is_asked_about(typed: str, meant: str) -> None:
    assert suggestion(typed) == meant


@pytest.mark.parametrize(
    "domain",
    [
        *("example.com", "paper.example", "uct.ac.za", "gov.za", "news24.com", "mail.co.za", "zoho.com"),
        *("ymail.com", "email.com", "mail.com", "me.com", "live.co.za", "olive.com", "con", "co.za"),
        *("mweb.example.com", "gmail.example", "wits.ac.za", "dailymaverick.co.za", "love.example"),
    ],
)
def test_what_is_another_domain_is_left_alone(domain: str) -> None:
    assert suggestion(f"lerato@{domain}") is None


@pytest.mark.parametrize("typed", ["", "@", "lerato", "@gmail.con", "lerato@"])
def test_what_is_no_address_gets_no_hint(typed: str) -> None:
    assert suggestion(typed) is None


@given(names, domains)
def test_a_known_domain_is_never_asked_about(name: str, domain: str) -> None:
    assert suggestion(f"{name}@{domain}") is None


@given(names, st.sampled_from(COMMON), st.data())
def test_taking_the_hint_ends_the_question_and_keeps_the_name(
    name: str, domain: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(domain) - 1))
    typed = domain[:at] + data.draw(st.sampled_from("abcxyz.")) + domain[at + 1 :]
    meant = suggestion(f"{name}@{typed}")
    if typed in COMMON or typed in OTHERS:
        assert meant is None
    else:
        assert meant is not None
        assert meant.startswith(f"{name}@")
        assert suggestion(meant) is None


@given(words, words)
def test_slips_are_counted_alike_from_both_ends(one: str, other: str) -> None:
    assert slips(one, other) == slips(other, one) == slips(one[::-1], other[::-1])
    assert (slips(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= slips(one, other) <= max(len(one), len(other))


@given(words, st.integers(0, 10))
def test_two_letters_that_changed_places_are_one_slip(word: str, at: int) -> None:
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    assert slips(word, swapped) == (swapped != word)


def test_no_common_domain_has_a_wrong_ending() -> None:
    assert not [domain for domain in (*COMMON, *OTHERS) if domain.endswith(tuple(ENDINGS))]
    assert not set(COMMON) & OTHERS
