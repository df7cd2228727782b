"""Fields in answers that are written once: known ones are filled in, unknown ones refused, none is sent unfilled."""

import pytest

from billing.rules.canned_answers import FIELDS, fields_left, fill, problem_of


@pytest.mark.parametrize(
    "words", ["", "No field.", "{price}", "{next charge} on {next charge day}, {paper}."]
)
def test_known_fields_are_taken(words: str) -> None:
    assert problem_of(words) == ""


@pytest.mark.parametrize(
    "words", ["{amount}", "{}", "{ price}", "{Price}", "{price", "price}", "{{price}}", "{a\nb}"]
)
def test_others_are_refused(words: str) -> None:
    assert problem_of(words)


def test_each_field_is_filled_in_and_one_without_a_value_stays() -> None:
    assert fill("{price}, {plan}, {price}", {"price": "R75.00", "plan": ""}) == "R75.00, {plan}, R75.00"
    assert fill("{price}", {"price": "{plan}"}) == "{plan}", "a value is no field"


@pytest.mark.parametrize("name", FIELDS)
def test_none_is_sent_unfilled(name: str) -> None:
    assert fields_left(f"We charge {{{name}}}.") == [name]
    assert fields_left("A reader may write {braces}.") == []
