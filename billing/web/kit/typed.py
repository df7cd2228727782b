"""What people type into forms."""

import re
from datetime import date

from pydantic import BeforeValidator

from billing.platform.errors import Invalid

_RAND = re.compile(r"(\d{1,7})(?:\.(\d{0,2}))?", re.ASCII)


class NotRand(Invalid):
    """An amount is rand and cents, as in 75.00."""

    code = "bad_amount"


class NotADay(Invalid):
    """A day is written as 2027-03-01."""

    code = "not_a_day"


def _one_character_a_break(typed: object) -> object:
    return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


LINES = BeforeValidator(_one_character_a_break)
"""Add this to the `Form` of a textarea. A browser's `maxlength` counts a line break as one character, but the form sends two.
Without this, a full textarea is refused and its text is lost."""


def whole_number(typed: str, most: int, digits: int) -> int | None:
    """A number from 0 to `most`, of so many digits at most; None for anything else."""
    text = typed.strip()
    # `isdecimal` alone accepts the digits of other scripts; `int` alone accepts "1_000"
    is_number = text.isascii() and text.isdecimal() and len(text) <= digits
    return int(text) if is_number and int(text) <= most else None


def read_rand(typed: str) -> int:
    """An amount in cents. A decimal comma, spaces and a leading R are accepted. Raises NotRand."""
    text = typed.strip().removeprefix("R").replace(",", ".").replace(" ", "").replace("\u00a0", "")
    found = _RAND.fullmatch(text)
    if found is None:
        raise NotRand
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def read_day(typed: str) -> date:
    """A civil day, as a browser's field of type date sends it. Raises NotADay."""
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise NotADay from None
