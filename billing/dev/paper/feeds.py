"""XML feeds and sitemaps of articles: leads only, never their text (PW-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from emails import House

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
NEWS_LASTS = timedelta(days=2)
"""The age limit of a news sitemap."""
LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """An article in a feed. `url` is its canonical address."""

    url: str
    title: str
    lead: str
    section: str
    published_at: datetime


def atom(house: House, page: str, own: str, articles: Sequence[FeedItem], at: datetime) -> bytes:
    """An Atom feed (RFC 4287) of the articles on `page`, newest first; `own` is the feed's address."""
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en-ZA"})
    _add(feed, "id", own)
    _add(feed, "title", house.name)
    _add(feed, "updated", max((article.published_at for article in articles), default=at).isoformat())
    ET.SubElement(feed, "link", {"rel": "self", "href": own})
    ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": page})
    _add(ET.SubElement(feed, "author"), "name", house.name)
    _add(feed, "rights", house.legal_name)
    for article in articles:
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", article.url)
        _add(entry, "title", article.title)
        for when in ("published", "updated"):
            _add(entry, when, article.published_at.isoformat())
        ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": article.url})
        ET.SubElement(entry, "category", {"term": article.section})
        _add(entry, "summary", article.lead)
    return _bytes(feed)


def sitemap(pages: Sequence[str], articles: Sequence[FeedItem]) -> bytes:
    """A sitemap of pages and articles."""
    urls = ET.Element("urlset", {"xmlns": SITEMAP})
    for address in pages:
        _add(ET.SubElement(urls, "url"), "loc", address)
    for article in articles:
        url = ET.SubElement(urls, "url")
        _add(url, "loc", article.url)
        _add(url, "lastmod", article.published_at.isoformat())
    return _bytes(urls)


def news_sitemap(house: House, articles: Sequence[FeedItem], at: datetime) -> bytes:
    """A Google news sitemap of the articles of the last two days."""
    urls = ET.Element("urlset", {"xmlns": SITEMAP, "xmlns:news": NEWS})
    for article in articles:
        if at - article.published_at > NEWS_LASTS:
            continue
        url = ET.SubElement(urls, "url")
        _add(url, "loc", article.url)
        news = ET.SubElement(url, "news:news")
        publication = ET.SubElement(news, "news:publication")
        _add(publication, "news:name", house.name)
        _add(publication, "news:language", LANGUAGE)
        _add(news, "news:publication_date", article.published_at.isoformat())
        _add(news, "news:title", article.title)
    return _bytes(urls)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _bytes(root: ET.Element) -> bytes:
    ET.indent(root)
    text: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"
