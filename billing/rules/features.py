"""What a plan may open besides reading: `listen`, `comment`, and newsletters by their id."""

import re
from collections.abc import Iterable
from typing import Final

from billing.rules.access import LISTEN, READ

COMMENT: Final = "comment"
NAMED: Final = (READ, LISTEN, COMMENT)
NEWSLETTER: Final = "newsletter:"
WORDS: Final = {READ: "reading", LISTEN: "listening to articles", COMMENT: "commenting on articles"}
"""For people."""
_NEWSLETTER: Final = re.compile(r"newsletter:[a-z0-9][a-z0-9-]{0,99}\Z")


class UnknownFeature(ValueError):
    """A feature is `read`, `listen`, `comment`, or `newsletter:` with the newsletter's id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no feature; there are {', '.join(NAMED)} and newsletter:<id>")
        self.name = name


def newsletter_feature(newsletter_id: str) -> str:
    """The feature that lets a reader receive a newsletter for subscribers."""
    return f"{NEWSLETTER}{newsletter_id}"


def features(names: Iterable[str]) -> list[str]:
    """The names, sorted, each once, without `read`, which every plan opens. Raises UnknownFeature."""
    found = set(names)
    for name in sorted(found):
        if name not in NAMED and not _NEWSLETTER.match(name):
            raise UnknownFeature(name)
    return sorted(found - {READ})
