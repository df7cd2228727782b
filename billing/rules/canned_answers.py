"""Fields in the words of an answer that is written once and sent often, as in "We charge {next charge} on {next charge day}"."""

import re
from collections.abc import Mapping

from billing.platform.errors import Invalid

FIELDS: Mapping[str, str] = {
    "name": "the name on the reader’s tax invoices",
    "address": "the reader’s mail address",
    "day of the request": "the day on which the request came",
    "plan": "the plan that runs",
    "price": "its price incl. VAT",
    "next charge": "what is charged next, incl. VAT",
    "next charge day": "the day of that charge",
    "reads until": "the last day that is paid for",
    "paper": "the name of the paper",
}
"""What may stand in braces, with what it becomes."""
_FIELD = re.compile(r"\{([^{}\n]*)\}")


class UnknownField(Invalid):
    """Only fields of the list may stand in braces."""

    code = "unknown_field"


class FieldLeft(Invalid):
    """There is a field in braces that has no value for this reader. Write it yourself, or take it out."""

    code = "field_left"


def check_fields(words: str) -> None:
    """Raises UnknownField for a field that isn't one of `FIELDS`, and for a brace without its other half."""
    unknown = [name for name in _FIELD.findall(words) if name not in FIELDS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise UnknownField(f"There is no field {{{unknown[0]}}}. Fields are: {known}.")
    if re.search(r"[{}]", _FIELD.sub("", words)):
        raise UnknownField("A brace stands alone. Each field has two, as in {price}.")


def fill(words: str, values: Mapping[str, str]) -> str:
    """The words with each field's value. A field without one stays as it is, for a person to see."""
    return _FIELD.sub(lambda found: values.get(found[1]) or found[0], words)


def refuse_fields_left(words: str) -> None:
    """Raises FieldLeft where a field of the list still stands in braces."""
    left = [name for name in _FIELD.findall(words) if name in FIELDS]
    if left:
        raise FieldLeft(f"{{{left[0]}}} has no value for this reader. Write it yourself, or take it out.")
