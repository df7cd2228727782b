"""What an article page tells search engines about itself (PW-2)."""

from billing.web.views import House, Teaser


def news_article(teaser: Teaser, house: House, url: str) -> dict[str, object]:
    """JSON-LD for an article page; never any of its text. `url` is the page's canonical address."""
    free = teaser.access in ("free", "open")
    described: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": teaser.title,
        "description": teaser.lead,
        "articleSection": teaser.section,
        "datePublished": teaser.published_on.isoformat(),
        "mainEntityOfPage": url,
        "publisher": {"@type": "NewsMediaOrganization", "name": house.name, "url": house.url},
        "isAccessibleForFree": free,
    }
    if not free:
        described["hasPart"] = {
            "@type": "WebPageElement",
            "isAccessibleForFree": False,
            "cssSelector": ".paywall",
        }
    return described
