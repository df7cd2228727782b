"""Card numbers in what people type: none is kept, in a comment, a reason or a log (SEC-12)."""

import re

MASK = "[number removed]"
SHORTEST, LONGEST = 13, 19
"""Digits of a card number. A South African identity number has 13 and the same check digit, and is removed too, which is welcome."""

_CHAIN = re.compile(r"\d(?:[\s./_\u2010-\u2015-]{0,3}\d){12,}")
"""Thirteen digits or more, written together or apart."""


def holds_card_number(text: str) -> bool:
    """Whether the text holds a number that could be a card's."""
    return without_card_numbers(text) != text


def without_card_numbers(text: str) -> str:
    """The text with everything that could be a card number replaced by `MASK`.

    In doubt it masks: a date or another number typed after a card number doesn't hide it."""
    return _CHAIN.sub(lambda chain: _masked(chain.group()), text)


def passes_check(digits: str) -> bool:
    """Luhn's sum, by which every card number is made (ISO/IEC 7812-1): doubling every second digit from the right."""
    total = 0
    for place, letter in enumerate(reversed(digits)):
        value = int(letter) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _masked(chain: str) -> str:
    places = [place for place, letter in enumerate(chain) if letter.isdecimal()]
    digits = "".join(chain[place] for place in places)
    kept, done, first = [], 0, 0
    while first <= len(digits) - SHORTEST:
        length = _length_at(digits, first)
        if length is None:
            first += 1
            continue
        kept += [chain[done : places[first]], MASK]
        first += length
        done = places[first - 1] + 1
    return "".join(kept) + chain[done:]


def _length_at(digits: str, first: int) -> int | None:
    """How many digits from `first` on could be a card number; the longest match wins."""
    for length in range(min(LONGEST, len(digits) - first), SHORTEST - 1, -1):
        candidate = digits[first : first + length]
        # a row of zeros passes the check too
        if passes_check(candidate) and len(set(candidate)) > 1:
            return length
    return None
