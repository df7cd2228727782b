"""What an article page tells search engines and link previews about itself (PW-2). None of it holds any of the text."""

from datetime import datetime

from billing.dev.paper.views import OpenGraph
from billing.web.views.start import Teaser
from emails import House

PAYWALL = ".paywall"
"""Marks what is locked, or would stand there: a class selector, on the page of whoever reads and of whoever doesn't."""


def is_free(teaser: Teaser) -> bool:
    """Whether everybody reads it at this moment."""
    return teaser.access in ("free", "open")


def news_article(teaser: Teaser, house: House, url: str, published_at: datetime) -> dict[str, object]:
    """JSON-LD for an article page: the same for whoever reads it, whoever doesn't, and a crawler. `url` is canonical."""
    publisher = {"@type": "NewsMediaOrganization", "name": house.name, "url": house.url}
    described: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": teaser.title,
        "description": teaser.lead,
        "articleSection": teaser.section,
        "datePublished": published_at.isoformat(),
        "inLanguage": "en-ZA",
        "mainEntityOfPage": url,
        "url": url,
        "author": publisher,
        "publisher": publisher,
        "isAccessibleForFree": is_free(teaser),
    }
    if not is_free(teaser):
        described["hasPart"] = {
            "@type": "WebPageElement",
            "isAccessibleForFree": False,
            "cssSelector": PAYWALL,
        }
    return described


def open_graph(teaser: Teaser, house: House, url: str, published_at: datetime) -> OpenGraph:
    """For the preview of a shared link: title and lead."""
    properties = {
        "og:type": "article",
        "og:site_name": house.name,
        "og:locale": "en_ZA",
        "og:title": teaser.title,
        "og:description": teaser.lead,
        "og:url": url,
        "article:published_time": published_at.isoformat(),
        "article:section": teaser.section,
        "article:content_tier": "free"
        if is_free(teaser)
        else "metered"
        if teaser.access == "metered"
        else "locked",
    }
    return tuple(properties.items())
