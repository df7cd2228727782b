"""Formats of amounts, days, cards and paragraphs in mails."""

import pytest

from emails.filters import card, day, rand, span
from emails.flow import flow


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "R0.00"),
        (5, "R0.05"),
        (7500, "R75.00"),
        (99999, "R999.99"),
        (123450, "R1\u00a0234.50"),
        (-978, "-R9.78"),
        (10**9, "R10\u00a0000\u00a0000.00"),
    ],
)
def test_rand(cents: int, text: str) -> None:
    assert rand(cents) == text


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("2026-03-16", "Monday 16 March 2026"),
        ("2028-02-29", "Tuesday 29 February 2028"),
        ("2027-01-01", "Friday 1 January 2027"),
    ],
)
def test_day(iso: str, text: str) -> None:
    assert day(iso) == text


def test_span() -> None:
    assert span("2026-03-16", "2026-04-15") == "16 March to 15 April 2026"
    assert span("2026-12-16", "2027-01-15") == "16 December 2026 to 15 January 2027"


@pytest.mark.parametrize(
    ("brand", "text"),
    [
        ("visa", "Visa"),
        ("amex", "American Express"),
        ("VISA", "Visa"),
        ("Elo", "Elo"),
        ("unknown", "card"),
        ("", "card"),
    ],
)
def test_card(brand: str, text: str) -> None:
    assert card(brand, "0042") == f"{text} ending in 0042"


def test_flow_fills_paragraphs_and_keeps_indented_lines() -> None:
    filled = flow("\none\ntwo " + "word " * 20 + "\n  Label:  " + "value " * 20 + "\n\n\n\nend\n\n")
    assert filled == (
        "one two " + ("word " * 13).strip() + "\n" + ("word " * 7).strip() + "\n"
        "  Label:  " + ("value " * 11).strip() + "\n          " + ("value " * 9).strip() + "\n\nend\n"
    )
