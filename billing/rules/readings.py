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
"""Characters of a User-Agent that is kept with what it says."""
_CRAWLER: Final = re.compile(
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
    if is_crawler(agent):
        return Reading.CRAWLER
    said = said.lower()
    if method == "HEAD" or "prefetch" in said or "prerender" in said or "preview" in said:
        return Reading.AHEAD
    return Reading.PERSON


def is_crawler(agent: str) -> bool:
    """Whether a User-Agent says that it crawls."""
    # Browsers have few User-Agents, and searching one costs as much as the rest of an answer. A long one isn't kept.
    return _of_usual_length(agent) if len(agent) <= USUAL_LENGTH else _CRAWLER.search(agent) is not None


@lru_cache(maxsize=1024)
def _of_usual_length(agent: str) -> bool:
    return _CRAWLER.search(agent) is not None
