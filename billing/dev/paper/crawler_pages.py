"""The sample paper's feed and sitemaps."""

from fastapi import APIRouter
from sqlmodel import Session

from billing.access.articles import newest
from billing.container import Parts
from billing.dev.paper import feeds
from billing.dev.paper.feeds import Listed
from billing.dev.paper.sample_articles import sample_article
from billing.web.api.shared_documents import Written, answer

router = APIRouter(include_in_schema=False)
FEED = "/feed.xml"
SITEMAPS = SITEMAP, NEWS_SITEMAP = "/sitemap.xml", "/sitemap-news.xml"
PAGES = ("/articles", "/", "/newsletters", "/who-charged-me", "/contact")
MOST_IN_FEED = 30
MOST_IN_SITEMAP = 10_000
MOST_NEWS = 1_000
for path in (FEED, *SITEMAPS):
    router.get(path)(answer)


def written(parts: Parts) -> dict[str, Written]:
    """By its address how each is written."""
    return {
        FEED: (lambda: _feed(parts), "application/atom+xml; charset=utf-8"),
        SITEMAP: (lambda: _sitemap(parts), "application/xml; charset=utf-8"),
        NEWS_SITEMAP: (lambda: _news_sitemap(parts), "application/xml; charset=utf-8"),
    }


def _feed(parts: Parts) -> bytes:
    own, page = parts.site.page(FEED), parts.site.page("/articles")
    return feeds.atom(parts.sender.house, page, own, _listed(parts, MOST_IN_FEED), parts.clock.now())


def _sitemap(parts: Parts) -> bytes:
    pages = [parts.site.page(path) for path in PAGES]
    return feeds.sitemap(pages, _listed(parts, MOST_IN_SITEMAP))


def _news_sitemap(parts: Parts) -> bytes:
    return feeds.news_sitemap(parts.sender.house, _listed(parts, MOST_NEWS), parts.clock.now())


def _listed(parts: Parts, most: int) -> list[Listed]:
    """The articles that have their page here, the newest first; none before its time."""
    at = parts.clock.now()
    with parts.database.transaction() as session:
        return [found for found in _all(parts, session, most) if found.published_at <= at]


def _all(parts: Parts, session: Session, most: int) -> list[Listed]:
    pairs = ((row, sample_article(row.id)) for row in newest(session, most))
    return [
        Listed(
            url=parts.site.page(f"/articles/{row.id}"),
            title=row.title,
            lead=sample.teaser.lead,
            section=row.section,
            published_at=row.published_at,
        )
        for row, sample in pairs
        if sample is not None
    ]
