"""The credentials that a request presents, read without the framework where they are written in the plainest way."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl

from billing.access import visitors
from billing.access_cache.cache import Header
from billing.http import shapes
from billing.rules.key_secrets import PREFIX

LONGEST_VALUES = {
    "reader_id": 64,
    "external_id": shapes.LONGEST,
    "visitor": visitors.LONGEST_TOKEN,
    "gift": shapes.LONGEST,
}
KEY_PREFIX = PREFIX.encode()
PREFETCH = "true"
"""The plainest spelling of `prefetch`. It needs no attention here: the cache never counts."""
NO_QUERY: dict[str, str] = {}


class PresentedCredentials(NamedTuple):
    """What a request says of who asks. None of it is verified yet."""

    cookie: bytes
    bearer: bytes
    named: dict[str, str]

    @property
    def has_key(self) -> bool:
        """Whether it presents an API key."""
        return self.bearer.startswith(KEY_PREFIX)


def presented_in(headers: Iterable[Header], query: bytes) -> PresentedCredentials | None:
    """The credentials, if they are written in the plainest way. None for all else, which the framework reads."""
    cookie = authorization = b""
    for name, value in headers:
        if name == b"cookie":
            if cookie:
                return None
            cookie = value
        elif name == b"authorization":
            if authorization:
                return None
            authorization = value
    is_bearer = authorization[:7].lower() == b"bearer "
    bearer = authorization[7:].strip() if is_bearer else b""
    if not query:
        return PresentedCredentials(cookie, bearer, NO_QUERY)
    if b"%00" in query or b"\0" in query:
        return None
    named = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if named.get("prefetch", PREFETCH) != PREFETCH:
        return None
    if any(len(named.get(name, "")) > longest for name, longest in LONGEST_VALUES.items()):
        return None
    return PresentedCredentials(cookie, bearer, named)
