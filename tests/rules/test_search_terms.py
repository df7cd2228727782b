"""What staff may mean by what they type into the search box."""

from datetime import date

import pytest

from billing.rules.search_terms import read_terms

TODAY = date(2027, 4, 16)


def read(typed: str) -> tuple[int | None, date | None]:
    terms = read_terms(typed, TODAY)
    return terms.cents, terms.day


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("R75", 7500),
        ("r 75", 7500),
        ("R75.50", 7550),
        ("75,00", 7500),
        ("75.00", 7500),
        ("R1 250.00", 125_000),
        ("R1,250.00", 125_000),
        ("1 250,00", 125_000),
        ("R1\u00a0250", 125_000),
        ("75", None),
        ("R", None),
        ("R75.5", None),
        ("R99999999", None),
        ("75.00x", None),
        ("nomsa R75", None),
    ],
)
def test_an_amount_has_an_r_or_its_cents(typed: str, cents: int | None) -> None:
    assert read(typed) == (cents, None)


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2026-03-12", date(2026, 3, 12)),
        ("12/03/2026", date(2026, 3, 12)),
        ("12 March 2026", date(2026, 3, 12)),
        ("12 Mar", date(2027, 3, 12)),
        ("12 march", date(2027, 3, 12)),
        ("16 April", TODAY),
        ("17 April", date(2026, 4, 17)),
        ("29 February", date(2024, 2, 29)),
        ("3 Sept", date(2026, 9, 3)),
        ("31 June", None),
        ("2026-02-30", None),
        ("0000-01-01", None),
        ("9999-01-01", None),
        ("12 Marchant", None),
        ("12 dlamini", None),
    ],
)
def test_a_day_without_a_year_is_the_last_one(typed: str, day: date | None) -> None:
    assert read(typed) == (None, day)


def test_both_together_in_any_order() -> None:
    for typed in ("R75 12 March", "12 March R75.00", "2027-03-12 75.00", "  75.00   2027-03-12 "):
        assert read(typed) == (7500, date(2027, 3, 12)), typed


def test_words_need_one_of_three_letters() -> None:
    assert read_terms(" Jo  Dlamini ", TODAY).words == ("Jo", "Dlamini")
    assert read_terms("jo d", TODAY).words == ()
    assert read_terms("", TODAY).words == ()
    assert len(read_terms("one two three four five six", TODAY).words) == 5


def test_numbers_of_documents() -> None:
    terms = read_terms("INV-000012", TODAY)
    assert (terms.invoice, terms.credit_note, terms.last4) == (12, None, None)
    assert read_terms("cn-000012", TODAY).credit_note == 12
    assert read_terms("CN3", TODAY).credit_note == 3
    four = read_terms("4242", TODAY)
    assert (four.invoice, four.last4) == (4242, "4242")
    for typed in ("INV-0", "INV-99999999999", "CN-9999999999", "٤٢٤٢"):
        terms = read_terms(typed, TODAY)
        assert (terms.invoice, terms.credit_note, terms.last4) == (None, None, None), typed
