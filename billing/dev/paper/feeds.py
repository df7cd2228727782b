"""What is listed of articles for feed readers and search engines, as XML: their leads, never their text (PW-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from emails import House

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
NEWS_LASTS = timedelta(days=2)
"""What is older is no news to a search engine."""
LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """An article as lists show it. `url` is its one address."""

    url: str
    title: str
    lead: str
    section: str
    published_at: datetime


def atom(house: House, page: str, own: str, articles: Sequence[FeedItem], at: datetime) -> bytes:
    """A feed (RFC 4287) of what is new at `page`, itself at `own`; articles the newest first."""
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en-ZA"})
    _add(feed, "id", own)
    _add(feed, "title", house.name)
    _add(feed, "updated", max((each.published_at for each in articles), default=at).isoformat())
    ET.SubElement(feed, "link", {"rel": "self", "href": own})
    ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": page})
    _add(ET.SubElement(feed, "author"), "name", house.name)
    _add(feed, "rights", house.legal_name)
    for each in articles:
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", each.url)
        _add(entry, "title", each.title)
        for when in ("published", "updated"):
            _add(entry, when, each.published_at.isoformat())
        ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": each.url})
        ET.SubElement(entry, "category", {"term": each.section})
        _add(entry, "summary", each.lead)
    return _bytes(feed)


def sitemap(pages: Sequence[str], articles: Sequence[FeedItem]) -> bytes:
    """Every page that search engines may have."""
    urls = ET.Element("urlset", {"xmlns": SITEMAP})
    for address in pages:
        _add(ET.SubElement(urls, "url"), "loc", address)
    for each in articles:
        url = ET.SubElement(urls, "url")
        _add(url, "loc", each.url)
        _add(url, "lastmod", each.published_at.isoformat())
    return _bytes(urls)


def news_sitemap(house: House, articles: Sequence[FeedItem], at: datetime) -> bytes:
    """The articles of the last two days, as Google's news sitemaps name them."""
    urls = ET.Element("urlset", {"xmlns": SITEMAP, "xmlns:news": NEWS})
    for each in articles:
        if at - each.published_at > NEWS_LASTS:
            continue
        url = ET.SubElement(urls, "url")
        _add(url, "loc", each.url)
        news = ET.SubElement(url, "news:news")
        publication = ET.SubElement(news, "news:publication")
        _add(publication, "news:name", house.name)
        _add(publication, "news:language", LANGUAGE)
        _add(news, "news:publication_date", each.published_at.isoformat())
        _add(news, "news:title", each.title)
    return _bytes(urls)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _bytes(root: ET.Element) -> bytes:
    ET.indent(root)
    text: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return text + b"\n"
