"""What is a reading: a person opens an article. A browser that prefetches, or a crawler, reads nothing (PW-4).

Only what the request says of itself decides: there is no fingerprinting."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Reading(StrEnum):
    """Who seems to request the page."""

    PERSON = "person"
    AHEAD = "ahead"
    """The browser fetches the page before the reader asks for it, or its head only."""
    CRAWLER = "crawler"
    """It says so itself. That opens nothing: a crawler gets what a stranger gets."""


PURPOSES: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""The headers in which a browser says that it fetches ahead."""
USUAL_LENGTH: Final = 300
"""Characters of what a request says of itself, up to which its reading is kept."""
_CRAWLER: Final = re.compile(
    # Cubot is a make of phones
    r"(?<!cu)bot\b|crawl|spider|slurp|archiver|facebookexternalhit|meta-externalagent|whatsapp/|embedly|bingpreview"
    r"|mediapartners|google-inspectiontool|feedfetcher|scrapy",
    re.IGNORECASE,
)


def reading(method: str, headers: Mapping[str, str]) -> Reading:
    """What a request for an article is. `headers` are looked up by their names in small letters."""
    said = " ".join(headers.get(name, "") for name in PURPOSES)
    return reading_of(method, headers.get("user-agent", ""), said)


def reading_of(method: str, agent: str, said: str) -> Reading:
    """The same from the User-Agent and what the headers of `PURPOSES` say."""
    # Browsers say few things, and searching them costs as much as the rest of an answer. What is long isn't kept.
    is_usual = len(method) + len(agent) + len(said) <= USUAL_LENGTH
    return (_kept_reading if is_usual else _reading)(method, agent, said)


def _reading(method: str, agent: str, said: str) -> Reading:
    if _CRAWLER.search(agent) is not None:
        return Reading.CRAWLER
    said = said.lower()
    if method == "HEAD" or "prefetch" in said or "prerender" in said or "preview" in said:
        return Reading.AHEAD
    return Reading.PERSON


_kept_reading = lru_cache(maxsize=1024)(_reading)
