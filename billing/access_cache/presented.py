"""The credentials that a request presents, read without the framework where they are written in the plainest way."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from billing.access import visitors
from billing.http import shapes
from billing.http.at_once import Header
from billing.rules.key_secrets import PREFIX
from billing.rules.readings import PURPOSES, Reading, reading_of

LONGEST_VALUES = {
    "reader_id": 64,
    "external_id": shapes.LONGEST,
    "visitor": visitors.LONGEST_TOKEN,
    "gift": shapes.LONGEST,
}
KEY_PREFIX = PREFIX.encode()
PREFETCH = "true"
"""The plainest spelling of `prefetch`."""
ONCE = (b"cookie", b"authorization", b"x-original-method", b"user-agent")
"""Headers that the framework reads if they come more than once."""
_PURPOSES = frozenset(name.encode() for name in PURPOSES)
NO_QUERY: dict[str, str] = {}


class PresentedCredentials(NamedTuple):
    """What a request says of who asks. None of it is verified yet. `has_key`: the bearer is an API key."""

    cookie: bytes
    bearer: bytes
    named: dict[str, str]
    reading: Reading = Reading.PERSON
    has_key: bool = False

    @property
    def counts(self) -> bool:
        """Whether a person reads, so that a metered article is to be counted."""
        return self.reading is Reading.PERSON and "prefetch" not in self.named


def presented_in(method: str, headers: Sequence[Header], query: bytes) -> PresentedCredentials | None:
    """The credentials, if they are written in the plainest way. None for all else, which the framework reads."""
    found = dict(headers)
    if len(found) < len(headers) and any([name for name, _ in headers].count(name) > 1 for name in ONCE):
        return None
    bearer = _bearer_in(found[b"authorization"]) if b"authorization" in found else b""
    has_key = bearer.startswith(KEY_PREFIX)
    method = found[b"x-original-method"].decode("latin-1") if b"x-original-method" in found else method
    said = b""
    if not _PURPOSES.isdisjoint(found):
        said = b" ".join([found[name] for name in _PURPOSES if name in found])
    # What a program calls itself says nothing of the person who reads.
    agent = b"" if has_key else found.get(b"user-agent", b"")
    reading = reading_of(method, agent.decode("latin-1"), said.decode("latin-1"))
    named = NO_QUERY if not query else _named_in(query)
    if named is None:
        return None
    return PresentedCredentials(found.get(b"cookie", b""), bearer, named, reading, has_key)


def _bearer_in(authorization: bytes) -> bytes:
    return authorization[7:].strip() if authorization[:7].lower() == b"bearer " else b""


def _named_in(query: bytes) -> dict[str, str] | None:
    if b"%00" in query or b"\0" in query:
        return None
    named = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if named.get("prefetch", PREFETCH) != PREFETCH:
        return None
    is_too_long = any(len(named.get(name, "")) > longest for name, longest in LONGEST_VALUES.items())
    return None if is_too_long else named
