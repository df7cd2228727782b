"""Opaque names for things: a type prefix and 26 characters. New ones sort by time; those that follow from another's don't."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from threading import Lock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _TIME = 26, 10
"""Letters after the prefix, and those of them that say the time."""
_PLACES = 3
_MOST = 32**_PLACES - 1


_MOMENTS = 256
"""So many of the latest milliseconds are remembered with the last number given in each."""
_last_in: dict[int, int] = {}
_counting = Lock()


def new(prefix: str, at: datetime) -> str:
    """A new id such as ``sub_01jd…``: 48 bits of milliseconds, then 80 random bits. Unique without asking, and lists by id are lists
    by time; those that one process makes in one millisecond are in the order in which it made them (RFC 9562, 6.2)."""
    moment = (at - EPOCH) // MILLISECOND
    with _counting:
        last = _last_in.get(moment)
        if last is None:
            number = secrets.randbits(79)  # the highest bit stays free for those that follow
            if len(_last_in) >= _MOMENTS:
                del _last_in[next(iter(_last_in))]
        else:
            number = last + 1 + secrets.randbits(48)
        _last_in[moment] = number
    return f"{prefix}_{_letters(moment << 80 | number, _LENGTH)}"


def derived(prefix: str, of: str, *numbers: int, about: str = "") -> str:
    """The id that follows from another's: the same each time, also after the database was restored from a backup.

    It begins with the time of the other one, so lists by id are no lists by time; those of one thing sort by their numbers (of at
    most three characters each), and in no order where there are none."""
    body = of.partition("_")[2]
    digest = hashlib.sha256(f"{prefix} {of} {numbers} {about}".encode()).digest()
    sorting = "".join(_letters(min(number, _MOST), _PLACES) for number in numbers)
    head = (body[:_TIME] if len(body) == _LENGTH else _letters(0, _TIME)) + sorting
    return f"{prefix}_{head}{_letters(int.from_bytes(digest), _LENGTH - len(head))}"


def _letters(number: int, places: int) -> str:
    """The last so many places of a number, five bits a letter."""
    return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(places)))
