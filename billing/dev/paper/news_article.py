"""Metadata of an article page for search engines and link previews (PW-2). It contains none of the text."""

from datetime import datetime

from billing.dev.paper.views import OpenGraph
from billing.web.kit.brand_pictures import picture_properties
from billing.web.views.start import Teaser
from emails import House

PAYWALL = ".paywall"
"""The CSS class of the locked part, on pages with and without the text."""


def is_free(teaser: Teaser) -> bool:
    """Whether everyone may read it now."""
    return teaser.access in ("free", "open")


def news_article(teaser: Teaser, house: House, url: str, published_at: datetime) -> dict[str, object]:
    """JSON-LD for an article page; it is the same for every visitor and crawler. `url` is canonical."""
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
    """Open Graph properties for the preview of a shared link."""
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
    return *properties.items(), *picture_properties(house)
