"""Visitors: what the meter counts by. A visitor is a reader, or a browser with a random id in a signed token.

The token holds the browser's first metered article, so that a browser which never returns leaves no row."""

import base64
import secrets
from datetime import date
from typing import NamedTuple

from billing.platform.site import Site

PURPOSE = "visitor"
LONGEST_TOKEN = 1200
"""In characters: a token with an article id of 200 letters, four bytes each."""
_MONTH = "%Y%m"


class FirstReading(NamedTuple):
    """A browser's first metered article, and the first day of the month in which it was read."""

    month: date
    article_id: str


class Visitor(NamedTuple):
    """`id`: a reader's, or a random one. `first`: from its token. `is_new`: it has no token yet, so no rows either."""

    id: str
    first: FirstReading | None = None
    is_new: bool = False

    def first_in(self, month: date) -> str | None:
        """The article of this month in its token."""
        return self.first.article_id if self.first is not None and self.first.month == month else None


def new() -> Visitor:
    """A visitor without history."""
    return Visitor(f"vis_{secrets.token_urlsafe(16)}", is_new=True)


def token(site: Site, visitor: Visitor) -> str:
    """The visitor's token: the id, the first reading and our signature; safe in a cookie and in a URL."""
    subject, first = visitor.id, visitor.first
    if first is not None:
        article = base64.urlsafe_b64encode(first.article_id.encode()).decode().rstrip("=")
        subject += f".{first.month:{_MONTH}}.{article}"
    return site.tokens.token(PURPOSE, subject)


def by_token(site: Site, given: str) -> Visitor | None:
    """The visitor of the token; None if it is forged, damaged or empty."""
    subject = site.tokens.subject_of(PURPOSE, given) if given else None
    if subject is None:
        return None
    name, *remembered = subject.split(".")
    if not remembered:
        return Visitor(name)
    month, article = remembered
    article_id = base64.urlsafe_b64decode(article + "=" * (-len(article) % 4)).decode()
    return Visitor(name, FirstReading(date(int(month[:4]), int(month[4:]), 1), article_id))
