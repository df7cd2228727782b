"""Amounts and days as people type them."""

import re
from datetime import date

from billing.platform.errors import Invalid

_RAND = re.compile(r"(\d{1,9})(?:\.(\d{0,2}))?", re.ASCII)


class NotRand(Invalid):
    """An amount is rand and cents, as in 75.00."""

    code = "bad_amount"


class NotADay(Invalid):
    """A day is written as 2027-03-01."""

    code = "not_a_day"


def read_rand(typed: str, *, most: int = 999_999_999) -> int:
    """An amount in cents, at most so many. A decimal comma, spaces and a leading R are accepted. Raises NotRand."""
    text = typed.strip().removeprefix("R").replace(",", ".").replace(" ", "").replace("\u00a0", "")
    found = _RAND.fullmatch(text)
    if found is None:
        raise NotRand
    cents = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    if cents > most:
        raise NotRand
    return cents


def write_rand(cents: int) -> str:
    """An amount as it stands in a field, for `read_rand`."""
    return f"{cents // 100}.{cents % 100:02}"


def read_day(typed: str) -> date:
    """A civil day, as a browser's field of type date sends it. Raises NotADay."""
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise NotADay from None
