"""Amounts and days as people type them."""

import re
from datetime import date

from billing.platform.errors import Invalid

_RAND = re.compile(r"(\d{1,7})(?:\.(\d{0,2}))?", re.ASCII)


class NotRand(Invalid):
    """An amount is rand and cents, as in 75.00."""

    code = "bad_amount"


class NotADay(Invalid):
    """A day is written as 2027-03-01."""

    code = "not_a_day"


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
