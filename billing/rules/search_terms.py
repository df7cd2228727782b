"""What staff may mean by what they type into the search box: words, numbers of documents, an amount, a day."""

import re
from dataclasses import dataclass
from datetime import date

SHORTEST_WORD = 3
"""Letters that one part of an address or a name must have: the index knows letters by threes."""
MOST_WORDS = 5
LARGEST_NUMBER = 2**31 - 1
"""PostgreSQL refuses to compare an integer column with more."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBER = r"0*(\d{1,10})"
_INVOICE = re.compile(rf"(?:INV-?)?{_NUMBER}", re.IGNORECASE | re.ASCII)
_CREDIT_NOTE = re.compile(rf"CN-?{_NUMBER}", re.IGNORECASE | re.ASCII)
_CENTS = r"[.,](\d{2})"
_WHOLE = r"(\d{1,3}(?:[ \u00a0,]\d{3})+|\d{1,7})"
_AMOUNT = re.compile(
    rf"(?<!\S)(?:R[ \u00a0]?{_WHOLE}(?:{_CENTS})?|{_WHOLE}{_CENTS})(?!\S)", re.IGNORECASE | re.ASCII
)
"""Without an R it needs its cents: a plain number is an invoice's, or the end of a card's."""
_ISO_DAY = re.compile(r"(?<!\S)(\d{4})-(\d{1,2})-(\d{1,2})(?!\S)", re.ASCII)
_SLASHED_DAY = re.compile(r"(?<!\S)(\d{1,2})/(\d{1,2})/(\d{4})(?!\S)", re.ASCII)
_WORDED_DAY = re.compile(r"(?<!\S)(\d{1,2}) ([a-z]{3,9})(?:,? (\d{4}))?(?!\S)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """A typed text, read in every way that it may be meant. `cents` and `day` are set only where they are all that was typed."""

    text: str
    words: tuple[str, ...] = ()
    """The parts that must all fit an address or a name; empty where all are too short to be looked for."""
    invoice: int | None = None
    credit_note: int | None = None
    last4: str | None = None
    cents: int | None = None
    day: date | None = None


def read_terms(typed: str, today: date) -> SearchTerms:
    """What may be meant. A day without a year is the last one that isn't after `today`."""
    text = " ".join(typed.split())
    words = tuple(text.split(" "))[:MOST_WORDS] if text else ()
    day, rest = _day(text, today)
    cents, rest = _cents(rest)
    is_money = (day is not None or cents is not None) and not rest.strip()
    return SearchTerms(
        text=text,
        words=words if words and max(map(len, words)) >= SHORTEST_WORD else (),
        invoice=_number(_INVOICE, text),
        credit_note=_number(_CREDIT_NOTE, text),
        last4=text if re.fullmatch(r"\d{4}", text, re.ASCII) else None,
        cents=cents if is_money else None,
        day=day if is_money else None,
    )


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.fullmatch(text)
    number = int(match[1]) if match else 0
    return number if 0 < number <= LARGEST_NUMBER else None


def _cents(text: str) -> tuple[int | None, str]:
    """The amount in cents, and the text without it."""
    match = _AMOUNT.search(text)
    if match is None:
        return None, text
    whole, cents = (match[1], match[2]) if match[1] else (match[3], match[4])
    amount = int(re.sub(r"\D", "", whole)) * 100 + int(cents or "0")
    return (amount if amount <= LARGEST_NUMBER else None), text[: match.start()] + text[match.end() :]


def _day(text: str, today: date) -> tuple[date | None, str]:
    """The day, and the text without it."""
    for pattern in (_ISO_DAY, _SLASHED_DAY, _WORDED_DAY):
        match = pattern.search(text)
        found = _read(pattern, match, today) if match else None
        if match and found:
            return found, text[: match.start()] + text[match.end() :]
    return None, text


def _read(pattern: re.Pattern[str], match: re.Match[str], today: date) -> date | None:
    if pattern is _ISO_DAY:
        return _valid(int(match[1]), int(match[2]), int(match[3]))
    if pattern is _SLASHED_DAY:
        return _valid(int(match[3]), int(match[2]), int(match[1]))
    name, number = match[2].lower(), int(match[1])
    if name not in (*_MONTHS, *_FULL, "sept"):
        return None
    month = _MONTHS.index(name[:3]) + 1
    if match[3]:
        return _valid(int(match[3]), month, number)
    years = (today.year - ago for ago in range(5))  # 29 February may be four years ago
    return next((day for year in years if (day := _valid(year, month, number)) and day <= today), None)


def _valid(year: int, month: int, number: int) -> date | None:
    try:
        found = date(year, month, number)
    except ValueError:
        return None
    return found if 2000 <= year < 2200 else None
