"""Card numbers in typed text (SEC-12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.card_numbers import MASK, holds_card_number, passes_check, without_card_numbers

NUMBERS = (
    "4242424242424242",
    "5555555555554444",
    "378282246310005",
    "30569309025904",
    "6011111111111117",
    "4222222222222",
    "6304000000000000000",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_card_number_is_taken_out_of_its_sentence(number: str) -> None:
    assert without_card_numbers(f"My card {number}, please.") == f"My card {MASK}, please."


@pytest.mark.parametrize(
    "typed",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242.4242.4242",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\n4242\n4242\n4242",
        "4242 – 4242 – 4242 – 4242",
        "4242 4242 4242 4242 12/30 123",
        "0 4242 4242 4242 4242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)
def test_however_it_is_written(typed: str) -> None:
    left = without_card_numbers(typed)
    assert MASK in left
    assert sum(letter.isdecimal() for letter in left) < 10


@pytest.mark.parametrize(
    "harmless",
    [
        "",
        "I paid R75.00 on 16 March 2026 and R75.00 on 16 April 2026.",
        "Call me on +27 49 000 0100",
        "1234567890123",
        "0000000000000000",
        "sub_01jd9zt8k2v7n3q5x6y7z8a9b0",
        "424242424242",
    ],
)
def test_what_is_no_card_number_stays(harmless: str) -> None:
    assert without_card_numbers(harmless) == harmless
    assert not holds_card_number(harmless)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Numbers as card companies make them: the last digit makes Luhn's sum come out."""
    head = draw(st.text("0123456789", min_size=12, max_size=18).filter(lambda digits: len(set(digits)) > 1))
    return next(head + last for last in "0123456789" if passes_check(head + last))


@given(numbers(), st.sampled_from(["", " ", "-", ". "]), st.text(st.characters(exclude_categories=["Nd"])))
def test_every_number_with_a_true_check_digit_is_found(number: str, between: str, around: str) -> None:
    typed = between.join(number[start : start + 4] for start in range(0, len(number), 4))
    left = without_card_numbers(f"{around}{typed}{around}")
    assert MASK in left
    assert not holds_card_number(left)


@given(st.text(st.characters(exclude_categories=["Nd"]) | st.sampled_from("0123456789"), max_size=200))
def test_taking_out_twice_changes_nothing_more(text: str) -> None:
    once = without_card_numbers(text)
    assert without_card_numbers(once) == once


@given(st.text("0123456789 ", max_size=14).filter(lambda text: sum(c != " " for c in text) < 13))
def test_fewer_than_thirteen_digits_are_never_touched(text: str) -> None:
    assert without_card_numbers(text) == text
