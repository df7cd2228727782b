"""Opaque names for things: a type prefix and 26 characters that sort by time."""

import secrets
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new(prefix: str, at: datetime) -> str:
    """A new id such as ``sub_01jd…``: 48 bits of milliseconds, then 80 random bits. Unique without asking, and lists by id are lists by time."""
    number = ((at - EPOCH) // MILLISECOND << 80) | secrets.randbits(80)
    letters = []
    for _ in range(26):
        letters.append(_ALPHABET[number & 31])
        number >>= 5
    return f"{prefix}_{''.join(reversed(letters))}"
