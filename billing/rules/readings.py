"""What is a reading: a person opening an article. A browser looking ahead, or a crawler, reads nothing (PW-4).

It is told by what the request says of itself, and by nothing else about whoever sends it (no fingerprinting)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Reading(StrEnum):
    """Who seems to be at the page."""

    PERSON = "person"
    AHEAD = "ahead"
    """The browser fetches before anybody asked, or looks at the head only."""
    CRAWLER = "crawler"
    """It says so itself. Nothing is believed that would open more: it is given what a stranger is given."""


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
