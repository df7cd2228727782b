"""Opaque ids: a type prefix and 26 characters. New ids sort by time; derived ids don't."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from threading import Lock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _TIME = 26, 10
"""Letters after the prefix, and how many of them tell the time."""
_PLACES = 3
"""Letters of each number in a derived id."""
_MAX_MOMENTS = 256
"""Milliseconds for which the last number is remembered: those used last."""
_last_in: dict[int, int] = {}
_counting = Lock()


def new(prefix: str, at: datetime) -> str:
    """A new id such as ``sub_01jd…``: 48 bits of milliseconds, then 80 random bits. Ids sort by time.

    Ids that one process makes in the same millisecond keep their order, as each counts on from the last (RFC 9562, 6.2)."""
    moment = (at - EPOCH) // timedelta(milliseconds=1)
    with _counting:
        last = _last_in.pop(moment, None)  # and in again, as the newest: a moment in use is never dropped
        if last is None:
            number = secrets.randbits(79)  # the highest bit stays free, so that counting on never overflows
            if len(_last_in) >= _MAX_MOMENTS:
                del _last_in[next(iter(_last_in))]
        else:
            # a random step, as the RFC has it: nobody can guess the next id from one that they see
            number = last + 1 + secrets.randbits(48)
        _last_in[moment] = number
    return f"{prefix}_{_letters(moment << 80 | number, _LENGTH)}"


def derived(prefix: str, of: str, *numbers: int, about: str = "") -> str:
    """An id that depends on these arguments alone: the same each time, also after a restore from a backup.

    It begins with the time of the id `of`, so derived ids don't sort by their own time. Those of one id sort by `numbers` (three
    letters each)."""
    body = of.partition("_")[2]
    # the text must never change: ids in the database were derived from it
    digest = hashlib.sha256(f"{prefix} {of} {numbers} {about}".encode()).digest()
    sorting = "".join(_letters(min(number, 32**_PLACES - 1), _PLACES) for number in numbers)
    head = (body[:_TIME] if len(body) == _LENGTH else _letters(0, _TIME)) + sorting
    return f"{prefix}_{head}{_letters(int.from_bytes(digest), _LENGTH - len(head))}"


def _letters(number: int, places: int) -> str:
    """The lowest places of a number, five bits a letter."""
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(places)))
