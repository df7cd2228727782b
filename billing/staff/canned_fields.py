"""Refusals about fields in answers: an unknown one isn't kept, and none is sent without its value."""

from billing.platform.errors import Invalid
from billing.rules.canned_answers import fields_left, problem_of


class UnknownField(Invalid):
    """Only fields of the list may stand in braces."""

    code = "unknown_field"


class FieldLeft(Invalid):
    """There is a field in braces that has no value for this reader. Write it yourself, or take it out."""

    code = "field_left"


def check_fields(words: str) -> None:
    """Raises UnknownField for a field that isn't in the list, and for a brace without its other half."""
    if problem := problem_of(words):
        raise UnknownField(problem)


def refuse_fields_left(words: str) -> None:
    """Raises FieldLeft where a field of the list still stands in braces."""
    if left := fields_left(words):
        raise FieldLeft(f"{{{left[0]}}} has no value for this reader. Write it yourself, or take it out.")
