"""What is a reading: a person opens an article. A browser that prefetches, or a crawler, reads nothing (PW-4).

Only what the request says of itself decides: there is no fingerprinting."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Reading(StrEnum):
    """Who seems to request the page."""

    PERSON = "person"
    AHEAD = "ahead"
    """The browser fetches the page before the reader asks for it, or its head only."""
    CRAWLER = "crawler"
    """It says so itself. That opens nothing: a crawler gets what a stranger gets."""


_AHEAD: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_CRAWLER: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|archiver|facebookexternalhit|meta-externalagent|whatsapp/|embedly|bingpreview"
    r"|mediapartners|google-inspectiontool|feedfetcher|scrapy",
    re.IGNORECASE,
)


def reading(method: str, headers: Mapping[str, str]) -> Reading:
    """What a request for an article is. `headers` are looked up by their names in small letters."""
    if _CRAWLER.search(headers.get("user-agent", "")):
        return Reading.CRAWLER
    said = " ".join(headers.get(name, "") for name in _AHEAD).lower()
    if method == "HEAD" or "prefetch" in said or "prerender" in said or "preview" in said:
        return Reading.AHEAD
    return Reading.PERSON
