"""What a page showed is compared fact by fact with what it shows now (`web/reader/agreement`)."""

from dataclasses import fields, replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.money import Money
from billing.web.reader.agreement import (
    NOT_SHOWN,
    OTHERWISE,
    Shown,
    differences,
    language_shown,
    words_of_day,
    words_of_money,
)
from emails.languages import ENGLISH, Languages, Text
from tests.support.pseudo_language import PSEUDO

TOKENS = Tokens("a secret key of the test, long enough")
TRIAL = Shown(
    act="trial",
    email="thandi@example.com",
    plan="monthly",
    period="month",
    price="R75.00 incl. VAT",
    vat="R9.78",
    free="14 days",
    charge_on="Tuesday 16 March 2027",
    days="Monday 15 March 2027",
    words="Yes, start my 14 days free.",
)
PAY = Shown(act="pay", price="R75.00 incl. VAT", days="16 March to 15 April 2027", card="Visa ending in 4242")
CHANGES = [
    ({"price": "R85.00 incl. VAT"}, "The price is now R85.00 incl. VAT instead of R75.00 incl. VAT."),
    ({"vat": "R10.06"}, "The VAT in the price is now R10.06 instead of R9.78."),
    (
        {"email": "sipho@example.com"},
        "now sipho@example.com instead of thandi@example.com: it was changed in",
    ),
    ({"plan": "yearly", "period": "year"}, "The plan is now the one paid by the year"),
    ({"then": "R85.00 incl. VAT"}, "After the year, a month is now R85.00 incl. VAT"),
    ({"free": "7 days"}, "The free trial is now 7 days instead of 14 days."),
    (
        {"charge_on": "Wednesday 17 March 2027"},
        "The first charge is now on Wednesday 17 March 2027, because a new day has begun.",
    ),
    ({"act": "paid"}, "now starts at once, without a free trial"),
    ({"card": "Visa ending in 4242"}, "The card is now Visa ending in 4242, which you gave before."),
    ({"documents": "terms-2"}, "Our terms have changed since you opened this page."),
    ({"words": "Yes, charge my card."}, OTHERWISE),
    ({"days": "Tuesday 16 March 2027"}, OTHERWISE),
]


def compared(was: Shown, now: Shown) -> str:
    return " ".join(differences(TOKENS, was.token(TOKENS), now.token(TOKENS)))


def test_the_same_page_is_agreed_to() -> None:
    assert compared(TRIAL, replace(TRIAL)) == ""


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_each_difference_is_a_sentence(change: dict[str, str], sentence: str) -> None:
    assert sentence in compared(TRIAL, replace(TRIAL, **change))  # type: ignore[arg-type]


def test_a_card_or_a_payment_of_another_tab_is_named() -> None:
    assert compared(PAY, replace(PAY, card="Visa ending in 1111")) == (
        "The card is now Visa ending in 1111 instead of Visa ending in 4242."
    )
    assert "another payment" in compared(PAY, replace(PAY, days="16 April to 15 May 2027"))
    assert "Visa ending in 4242 is not charged any more" in compared(PAY, replace(PAY, card=""))


@given(
    name=st.sampled_from([field.name for field in fields(Shown) if field.name != "act"]),
    value=st.text(max_size=40),
    was=st.sampled_from([TRIAL, PAY, replace(TRIAL, act="paid"), replace(TRIAL, act="switch")]),
)
def test_any_single_difference_is_refused(name: str, value: str, was: Shown) -> None:
    now = replace(was, **{name: value})  # type: ignore[arg-type]
    assert bool(compared(was, now)) == (was != now)
    assert Shown.of(TOKENS, now.token(TOKENS)) == now


@given(act=st.sampled_from(["switch", "pause", "resume", "pay"]))
def test_the_copy_of_another_kind_of_page_counts_as_none(act: str) -> None:
    assert compared(replace(TRIAL, act=act), TRIAL) == NOT_SHOWN  # type: ignore[arg-type]


@pytest.mark.parametrize("agreed", ["", "nonsense", "e30=.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_missing_or_forged_copy_is_refused(agreed: str) -> None:
    assert differences(TOKENS, agreed, TRIAL.token(TOKENS)) == (NOT_SHOWN,)


def test_the_copy_of_another_installation_or_release_is_refused() -> None:
    other = Tokens("another secret key of the test, also long")
    assert differences(TOKENS, TRIAL.token(other), TRIAL.token(TOKENS)) == (NOT_SHOWN,)
    older = TOKENS.token("agreed", "eyJwcmljZSI6ICJSNzUuMDAifQ==")
    assert differences(TOKENS, older, TRIAL.token(TOKENS)) == (NOT_SHOWN,)


def test_a_copy_from_before_a_change_of_the_secret_key_still_counts() -> None:
    rotated = Tokens("a newer secret key of the test, as long", previous_keys=(TOKENS.secret_key,))
    assert differences(rotated, TRIAL.token(TOKENS), TRIAL.token(rotated)) == ()


def test_amounts_and_days_come_back_as_texts_that_each_language_writes() -> None:
    copy = replace(TRIAL, price=words_of_money(Money(7500)), charge_on=words_of_day(date(2027, 3, 16)))
    back = Shown.of(TOKENS, copy.token(TOKENS))
    assert back is not None
    assert back == copy
    assert isinstance(back.price, Text)
    assert PSEUDO.text(back.price) == "⟦⟦R75.00⟧ incl. VAT⟧"


def test_the_language_is_that_of_the_page_and_english_without_a_copy() -> None:
    site = Site(
        ZoneInfo("Africa/Johannesburg"), "https://paper.example", TOKENS, languages=Languages((PSEUDO,))
    )
    assert language_shown(site, replace(TRIAL, language="xx").token(TOKENS)) is PSEUDO
    assert language_shown(site, TRIAL.token(TOKENS)) is ENGLISH, "a page that lacks a message is English"
    assert language_shown(site, "nonsense") is ENGLISH
