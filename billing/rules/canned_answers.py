"""Fields in the words of an answer that is written once and sent often, as in "We charge {next charge} on {next charge day}"."""

import re
from collections.abc import Mapping

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


def problem_of(words: str) -> str:
    """What is wrong with the fields in the words, for people: one that isn't in `FIELDS`, or a brace without its other half. Empty
    where nothing is."""
    unknown = [name for name in _FIELD.findall(words) if name not in FIELDS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in FIELDS)
        return f"There is no field {{{unknown[0]}}}. Fields are: {known}."
    if re.search(r"[{}]", _FIELD.sub("", words)):
        return "A brace stands alone. Each field has two, as in {price}."
    return ""


def fill(words: str, values: Mapping[str, str]) -> str:
    """The words with each field's value. A field without one stays as it is, for a person to see."""
    return _FIELD.sub(lambda found: values.get(found[1]) or found[0], words)


def fields_left(words: str) -> list[str]:
    """The fields of the list that still stand in braces."""
    return [name for name in _FIELD.findall(words) if name in FIELDS]
